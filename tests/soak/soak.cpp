// SPDX-License-Identifier: Apache-2.0
// Classifies texts of random lengths from several threads, under random policies, deadlines, stops, batch sizes, forms
// of calls and numeric formats, and compares each answer, byte for byte, with what classify_every_exit says at its
// layer. Memory at the end is that after a tenth of the work, or the program fails:
//
//     soak MODEL CLASSIFICATIONS [THREADS]
#include <offramp/offramp.hpp>
#include <offramp/thread_pool.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace {

using offramp::classifier;
using offramp::exit_output;
using offramp::exit_policy;
using offramp::numeric_format;
using offramp::prediction;
using offramp::stop_reason;

std::size_t resident_bytes() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// A text, and what every exit says to it.
struct known_text {
  std::string text;
  std::vector<exit_output> outputs;
};

/// One numeric format's model and the texts that it is asked.
struct known_model {
  classifier model;
  std::vector<known_text> texts;
};

std::string random_text(std::mt19937_64& random) {
  static const std::vector<std::string> words = {"the",  "film",         "is",  "great", "awful", "quick",
                                                 "fox",  "lazy",         "dog", "a",     "not",   "...",
                                                 "\xFF", "\xEA\xB0\x80", "x",   "!",     "\n",    "very"};
  std::string text;
  // Mostly short, now and then beyond max_tokens.
  const std::size_t length = random() % 16 == 0 ? random() % 700 : random() % 24;
  for (std::size_t i = 0; i < length; ++i) {
    text += words[random() % words.size()] + (random() % 5 == 0 ? "" : " ");
  }
  return text;
}

known_model prepare(const std::string& directory, numeric_format format, std::size_t texts) {
  offramp::load_options options;
  options.format = format;
  known_model known{classifier::load(directory, options), {}};
  std::mt19937_64 random(7);
  for (std::size_t i = 0; i < texts; ++i) {
    std::string text = random_text(random);
    std::vector<exit_output> outputs = known.model.classify_every_exit(text);
    known.texts.push_back({std::move(text), std::move(outputs)});
  }
  return known;
}

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::exit(1);
  }
}

void check(const known_text& known, const prediction& answer) {
  if (answer.stopped == stop_reason::cancelled && answer.label_id < 0) {
    require(answer.probabilities.empty(), "a text cancelled before its first exit has no answer");
    return;
  }
  const auto found = std::find_if(known.outputs.begin(), known.outputs.end(),
                                  [&](const exit_output& output) { return output.answer.layer == answer.layer; });
  require(found != known.outputs.end(), "an answer comes from a layer with an exit");
  require(found->answer.probabilities == answer.probabilities && found->answer.label_id == answer.label_id &&
              found->answer.confidence == answer.confidence && found->answer.tokens == answer.tokens &&
              found->answer.truncated == answer.truncated,
          "an answer is what classify_every_exit says at its layer");
}

exit_policy random_policy(std::mt19937_64& random, std::size_t exits, std::size_t labels) {
  const auto share = [&] { return static_cast<float>(random() % 1001) / 1000.0F; };
  const auto rule = [&]() -> exit_policy {
    switch (random() % 9) {
      case 0:
        return exit_policy::full_depth();
      case 1:
        return exit_policy::declining(share(), share() / 10.0F);
      case 2:
        return exit_policy::per_exit(std::vector<float>(exits, share()));
      case 3:
        return exit_policy::per_class(std::vector<std::vector<float>>(exits, std::vector<float>(labels, share())));
      case 4:
        return exit_policy::normalized_entropy(share());
      case 5:
        return exit_policy::margin(share());
      case 6:
        return exit_policy::patience(static_cast<int>(random() % 4));
      default:
        return share();
    }
  };
  exit_policy policy = rule();
  if (random() % 8 == 0) {
    policy = policy.with_deadline(std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 2000));
  }
  return policy;
}

/// One call of a random form; how many texts it classified.
std::size_t call(const known_model& known, std::mt19937_64& random, const offramp::runner& run) {
  exit_policy policy = random_policy(random, known.model.exits().size(), known.model.labels().size());
  std::stop_source stop;
  if (random() % 16 == 0) {
    policy = policy.with_stop_token(stop.get_token());
    if (random() % 2 == 0) {
      stop.request_stop();
    }
  }
  if (random() % 3 == 0) {
    const known_text& one = known.texts[random() % known.texts.size()];
    check(one,
          random() % 4 == 0 ? known.model.classify(one.text, policy, run) : known.model.classify(one.text, policy));
    return 1;
  }
  std::vector<std::string> texts;
  std::vector<const known_text*> asked;
  const std::size_t size = random() % 8 == 0 ? random() % 64 : random() % 8;
  for (std::size_t i = 0; i < size; ++i) {
    asked.push_back(&known.texts[random() % known.texts.size()]);
    texts.push_back(asked.back()->text);
  }
  if (random() % 2 == 0) {
    const std::vector<prediction> answers =
        random() % 4 == 0 ? known.model.classify_batch(texts, policy, run) : known.model.classify_batch(texts, policy);
    for (std::size_t i = 0; i < size; ++i) {
      check(*asked[i], answers[i]);
    }
  } else {
    std::size_t count = 0;
    known.model.classify_batch_as_ready(
        texts,
        [&](std::size_t index, const prediction& answer) {
          check(*asked[index], answer);
          ++count;
        },
        policy);
    require(count == size, "every text of a batch gets its answer");
  }
  return size;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: soak MODEL CLASSIFICATIONS [THREADS]\n");
    return 2;
  }
  const std::size_t total = std::stoull(argv[2]);
  const std::size_t threads = argc > 3 ? std::stoull(argv[3]) : 4;
  std::vector<known_model> models;
  for (const numeric_format format : {numeric_format::float32, numeric_format::bfloat16, numeric_format::int8}) {
    models.push_back(prepare(argv[1], format, 200));
  }
  offramp::thread_pool pool(2);
  std::atomic<std::size_t> done{0};
  std::atomic<std::size_t> warm_bytes{0};
  std::vector<std::jthread> workers;
  for (std::size_t worker = 0; worker < threads; ++worker) {
    workers.emplace_back([&, worker] {
      std::mt19937_64 random(worker);
      while (done.load() < total) {
        const std::size_t before = done.fetch_add(call(models[random() % models.size()], random, pool.lend()));
        if (before > total / 10 && warm_bytes.load() == 0) {
          warm_bytes = resident_bytes();
        }
      }
    });
  }
  workers.clear();
  for (const known_model& known : models) {
    known.model.release_memory();  // up to a bound it is kept for later calls
  }
  const std::size_t bytes = resident_bytes();
  std::printf("%zu classifications by %zu threads, each as at its layer; %.1f MB after a tenth, %.1f MB at the end\n",
              done.load(), threads, static_cast<double>(warm_bytes.load()) / 1e6, static_cast<double>(bytes) / 1e6);
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)  // these keep notes of their own
  constexpr std::size_t slack = 40'000'000;  // workspaces of a call that came later than the first tenth
  require(bytes <= warm_bytes.load() + slack, "memory stays as it was after a tenth of the work");
#endif
  return 0;
}
