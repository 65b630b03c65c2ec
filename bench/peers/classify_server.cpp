// SPDX-License-Identifier: Apache-2.0
// Runs and times classify for compare.py, so that other engines can be timed in turn with it. Usage:
//
//     classify_server MODEL-DIRECTORY FORMAT...
//
// Every line on stdin is a JSON object and gets one on stdout:
//
//     {"do": "describe"}                       -> formats, kernels, layers, warnings
//     {"do": "tokenize", "texts": [...]}       -> ids of each text
//     {"do": "every_exit", "format": "int8", <inputs>}  -> logits[input][exit][label], before the temperature
//     {"do": "time", "format": "int8", "threads": 2, "calls": 10, "threshold": 0.9, "decline": 0.06,
//      "max_layer": 4, <inputs>}
//           -> nanoseconds of each call, and layers, labels, confidences of its answers
//
// <inputs> is "ids": [[...], ...] or "texts": ["..." or ["premise", "hypothesis"], ...]. One input goes through
// classify, several through classify_batch; with "each": true several go through classify one after another and count
// as one call. Without a threshold every layer runs, with "own_policy": true what the model's own policy asks for. A
// failure is answered by {"error": "..."}.
#include <offramp/offramp.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <offramp/thread_pool.hpp>
#include "model_inputs.hpp"

namespace {

using nlohmann::json;
using clock = std::chrono::steady_clock;

struct pair_of_texts {
  std::string premise;
  std::string hypothesis;
};

/// The inputs of one request; one of the vectors is filled.
struct inputs {
  std::vector<offramp::encoding> encodings;
  std::vector<std::string> texts;
  std::vector<pair_of_texts> owned_pairs;
  std::vector<offramp::sentence_pair> pairs;  // into owned_pairs

  /// Calls visit with the vector that is filled.
  template <class Visitor>
  decltype(auto) visit(Visitor&& visitor) const {
    if (!encodings.empty()) {
      return visitor(encodings);
    }
    return pairs.empty() ? visitor(texts) : visitor(pairs);
  }
};

std::unique_ptr<inputs> read_inputs(const json& request) {
  auto read = std::make_unique<inputs>();
  if (const auto ids = request.find("ids"); ids != request.end()) {
    for (const json& row : *ids) {
      read->encodings.push_back({row.get<std::vector<std::int32_t>>(), {}, false});
    }
  } else {
    for (const json& text : request.at("texts")) {
      if (text.is_array()) {
        read->owned_pairs.push_back({text.at(0), text.at(1)});
      } else {
        read->texts.push_back(text);
      }
    }
  }
  for (const pair_of_texts& pair : read->owned_pairs) {
    read->pairs.push_back({pair.premise, pair.hypothesis});
  }
  if (!read->texts.empty() && !read->pairs.empty()) {
    throw std::invalid_argument("texts and pairs in one request");
  }
  return read;
}

/// Times `calls` calls of `call`, after one that is not counted; the last one's result goes with them.
template <class Call>
std::pair<std::vector<std::int64_t>, std::vector<offramp::prediction>> time_calls(int calls, const Call& call) {
  std::vector<offramp::prediction> answers = call();
  std::vector<std::int64_t> nanoseconds;
  for (int i = 0; i < calls; ++i) {
    const auto start = clock::now();
    answers = call();
    nanoseconds.push_back(std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now() - start).count());
  }
  return {std::move(nanoseconds), std::move(answers)};
}

json describe_answers(const std::vector<offramp::prediction>& answers) {
  json layers = json::array();
  json labels = json::array();
  json confidences = json::array();
  for (const offramp::prediction& answer : answers) {
    layers.push_back(answer.layer);
    labels.push_back(answer.label_id);
    confidences.push_back(answer.confidence);
  }
  return {{"layers", std::move(layers)}, {"labels", std::move(labels)}, {"confidences", std::move(confidences)}};
}

class server {
 public:
  server(const std::string& directory, const std::vector<std::string>& formats) {
    for (const std::string& name : formats) {
      try {
        models_.emplace(name,
                        offramp::classifier::load(directory, {.format = format(name), .exits = {}, .max_tokens = {}}));
      } catch (const offramp::error& problem) {
        if (problem.kind() != offramp::error_kind::unsupported) {
          throw;
        }
        std::cerr << "left out: " << problem.what() << '\n';
      }
    }
    if (models_.empty()) {
      throw std::invalid_argument("none of the formats can be loaded");
    }
  }

  json answer(const json& request) {
    const std::string what = request.at("do");
    if (what == "describe") {
      return describe();
    }
    if (what == "tokenize") {
      return tokenize(request);
    }
    if (what == "every_exit") {
      return every_exit(request);
    }
    if (what == "time") {
      return time(request);
    }
    throw std::invalid_argument("unknown request " + what);
  }

 private:
  static offramp::numeric_format format(const std::string& name) {
    if (name == "float32") {
      return offramp::numeric_format::float32;
    }
    if (name == "bfloat16") {
      return offramp::numeric_format::bfloat16;
    }
    if (name == "int8") {
      return offramp::numeric_format::int8;
    }
    throw std::invalid_argument("format is " + name + ", expected float32, bfloat16 or int8");
  }

  const offramp::classifier& model(const json& request) const {
    return models_.at(request.at("format").get<std::string>());
  }

  json describe() const {
    json formats = json::object();
    for (const auto& [name, model] : models_) {
      formats[name] = {{"kernels", model.info().kernels},
                       {"weight_bytes", model.info().weight_bytes},
                       {"warnings", model.info().warnings}};
    }
    json layers = json::array();
    json temperatures = json::object();
    for (const auto& [name, model] : models_) {
      for (const offramp::exit_info& exit : model.exits()) {
        temperatures[name].push_back(exit.temperature);
      }
    }
    for (const offramp::exit_info& exit : models_.begin()->second.exits()) {
      layers.push_back(exit.layer);
    }
    return {
        {"formats", std::move(formats)}, {"exit_layers", std::move(layers)}, {"temperatures", std::move(temperatures)}};
  }

  json tokenize(const json& request) const {
    json rows = json::array();
    json types = json::array();
    read_inputs(request)->visit([&](const auto& elements) {
      if constexpr (!std::is_same_v<std::decay_t<decltype(elements.front())>, offramp::encoding>) {
        for (const auto& text : elements) {
          const offramp::encoding encoded = models_.begin()->second.tokenize(text);
          rows.push_back(encoded.ids);
          types.push_back(encoded.type_ids.empty() ? std::vector<std::int32_t>(encoded.ids.size()) : encoded.type_ids);
        }
      }
    });
    return {{"ids", std::move(rows)}, {"type_ids", std::move(types)}};
  }

  json every_exit(const json& request) const {
    json logits = json::array();
    read_inputs(request)->visit([&](const auto& elements) {
      for (const auto& element : elements) {
        json exits = json::array();
        for (const offramp::exit_output& exit : model(request).classify_every_exit(element)) {
          exits.push_back(exit.logits);
        }
        logits.push_back(std::move(exits));
      }
    });
    return {{"logits", std::move(logits)}};
  }

  static offramp::exit_policy policy_of(const offramp::classifier& m, const json& request) {
    if (request.value("own_policy", false)) {
      return m.default_policy();
    }
    if (!request.contains("threshold") || request["threshold"].is_null()) {
      return offramp::exit_policy::full_depth();
    }
    const float threshold = request["threshold"].get<float>();
    const bool declines = request.contains("decline") && !request["decline"].is_null();
    const auto policy = declines ? offramp::exit_policy::declining(threshold, request["decline"].get<float>())
                                 : offramp::exit_policy(threshold);
    return request.contains("max_layer") ? policy.with_max_layer(request["max_layer"].get<int>()) : policy;
  }

  json time(const json& request) {
    const offramp::classifier& m = model(request);
    const offramp::exit_policy policy = policy_of(m, request);
    const offramp::runner run = team(request.value("threads", 1)).lend();
    const std::unique_ptr<inputs> given = read_inputs(request);
    const bool is_each = request.value("each", false);
    const auto [nanoseconds, answers] = given->visit([&](const auto& elements) {
      return time_calls(request.value("calls", 1), [&] {
        if (!is_each && elements.size() != 1) {
          return m.classify_batch(elements, policy, run);
        }
        std::vector<offramp::prediction> one_by_one;
        for (const auto& element : elements) {
          one_by_one.push_back(m.classify(element, policy, run));
        }
        return one_by_one;
      });
    });
    json reply = describe_answers(answers);
    reply["nanoseconds"] = nanoseconds;
    return reply;
  }

  offramp::thread_pool& team(int threads) {
    auto& found = teams_[threads];
    if (!found) {
      found = std::make_unique<offramp::thread_pool>(threads);
    }
    return *found;
  }

  std::map<std::string, offramp::classifier> models_;
  std::map<int, std::unique_ptr<offramp::thread_pool>> teams_;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::cerr << "usage: classify_server MODEL-DIRECTORY FORMAT...\n";
    return 2;
  }
  server serving(argv[1], {argv + 2, argv + argc});
  for (std::string line; std::getline(std::cin, line);) {
    json reply;
    try {
      reply = serving.answer(json::parse(line));
    } catch (const std::exception& problem) {
      reply = {{"error", problem.what()}};
    }
    std::cout << reply.dump(-1, ' ', false, json::error_handler_t::replace) << std::endl;
  }
} catch (const std::exception& problem) {
  std::cerr << "classify_server: " << problem.what() << '\n';
  return 1;
}
