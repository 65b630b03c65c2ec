// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "model_options.hpp"
#include "policy_options.hpp"

#include <offramp/classifier.hpp>
#include <offramp/detail/directory_name.hpp>
#include <offramp/runner.hpp>
#include <serve/http_service.hpp>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

namespace offramp_cli {

namespace {

using offramp_serve::served_model;

struct serve_options {
  std::vector<std::string> models;
  std::string format = "int8";
  std::string host = "127.0.0.1";
  int port = 8080;
  int threads = static_cast<int>(offramp::usable_threads());
  std::optional<float> threshold;
  const CLI::Option* full_depth = nullptr;
  const CLI::Option* busy_texts = nullptr;
  std::optional<float> busy_threshold;
  std::optional<double> busy_certified;
  std::string token_file;
  offramp_serve::text_queue::limits queue;
  offramp_serve::http_service::settings http;
};

offramp_serve::policy_range policies_of(const offramp::classifier& model, const serve_options& options) {
  const offramp::exit_policy calm = options.full_depth->count() > 0 ? offramp::exit_policy::full_depth()
                                    : options.threshold             ? offramp::exit_policy(*options.threshold)
                                                                    : model.default_policy();
  if (options.busy_threshold) {
    return {calm, offramp::exit_policy(*options.busy_threshold), model};
  }
  if (options.busy_certified) {
    const auto certified = model.certified(*options.busy_certified);
    if (!certified) {
      throw std::invalid_argument("no certificate for --busy-certified in this format");
    }
    return {calm, *certified, model};
  }
  return offramp_serve::policy_range(calm);
}

/// Loads a model, readies it for its first request, and gives it the policies of the options.
std::shared_ptr<const served_model> load(const std::string& directory, const serve_options& options) {
  model_options chosen;
  chosen.directory = directory;
  chosen.format = options.format;
  const offramp::classifier model = chosen.load_and_warn();
  constexpr int tokens_of_first_call = 1024;
  model.warm_up(tokens_of_first_call, options.threads);
  try {
    return std::make_shared<const served_model>(
        served_model{offramp::detail::directory_name(directory), model, policies_of(model, options), {}});
  } catch (const std::invalid_argument& problem) {
    throw std::runtime_error(directory + ": " + problem.what());
  }
}

std::string read_token(const std::string& path) {
  std::ifstream file(path);
  std::string token;
  std::getline(file, token);
  if (token.ends_with('\r')) {
    token.pop_back();
  }
  if (token.empty()) {
    throw std::runtime_error(path + ": holds no token");
  }
  return token;
}

/// The signals that a service obeys, held back in every thread that begins later and given to whoever waits for them.
class signal_waiter {
 public:
  signal_waiter() {
    sigemptyset(&signals_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
      sigaddset(&signals_, signal);
    }
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  ~signal_waiter() { release(); }
  signal_waiter(const signal_waiter&) = delete;
  signal_waiter& operator=(const signal_waiter&) = delete;

  /// From here on they end the process, as in any other.
  void release() const { pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr); }

  [[nodiscard]] int wait() const {
    int signal = 0;
    while (sigwait(&signals_, &signal) != 0) {
    }
    return signal;
  }

 private:
  sigset_t signals_{};
};

void serve(serve_options options) {
  // Before any model is loaded.
  for (const auto& [option, threshold] :
       {std::pair("--threshold", options.threshold), std::pair("--busy-threshold", options.busy_threshold)}) {
    if (threshold) {
      static_cast<void>(confidence_of_at_least(*threshold, {}, option));
    }
  }
  if (options.busy_texts->count() > 0 && options.queue.busy_texts > options.queue.waiting_texts) {
    throw usage_error("--busy-texts is " + std::to_string(options.queue.busy_texts) + ", expected at most --queue, " +
                      std::to_string(options.queue.waiting_texts) + ": more never wait");
  }
  const signal_waiter signals;
  std::signal(SIGPIPE, SIG_IGN);  // a client that went away is no reason to end
  if (!options.token_file.empty()) {
    options.http.token = read_token(options.token_file);
  }
  options.queue.threads = options.threads;
  options.queue.busy_texts = std::min(options.queue.busy_texts, options.queue.waiting_texts);
  offramp_serve::model_registry models;
  std::set<std::string> names;
  for (const std::string& model : options.models) {
    if (!names.insert(offramp::detail::directory_name(model)).second) {
      throw usage_error("--model: two are called " + offramp::detail::directory_name(model) +
                        ", expected different names");
    }
    models.add(offramp::detail::directory_name(model), [model, &options] { return load(model, options); });
  }
  offramp_serve::metrics counts;
  offramp_serve::text_queue queue(options.queue, [&](const served_model& model, const offramp_serve::answers& given) {
    counts.count_answers(model, given);
  });
  offramp_serve::http_service service(models, queue, counts, options.http);
  const int port = service.bind(options.host, options.port);
  const std::string host = options.host.find(':') == std::string::npos ? options.host : '[' + options.host + ']';
  std::cout << "serving at http://" << host << ':' << port << '/' << std::endl;  // whoever waits reads a pipe
  std::thread serving([&] { service.run(); });
  while (signals.wait() == SIGHUP) {
    for (const std::string& failure : models.reload()) {
      std::cerr << "offramp: the model stays as it was: " << failure << '\n';
    }
  }
  signals.release();  // whoever does not want to wait for slow clients sends another
  service.stop();
  serving.join();
  queue.drain();
}

}  // namespace

command add_serve(CLI::App& app) {
  CLI::App& parser = *app.add_subcommand("serve", "Answers classification requests over HTTP.");
  const auto options = std::make_shared<serve_options>();
  options->models = {"sentiment-en"};
  parser.add_option("--model", options->models, "Model directories, or names of bundled models")->capture_default_str();
  parser.add_option("--format", options->format, "Numeric format of all models")
      ->check(CLI::IsMember(names_in(offramp::detail::numeric_format_names)))
      ->capture_default_str();
  parser.add_option("--host", options->host, "Address to listen on")->capture_default_str();
  parser.add_option("--port", options->port, "Port to listen on, 0 for a free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  parser.add_option("--threads", options->threads, "Batches that are classified at a time")
      ->check(CLI::Range(1, 1024))
      ->default_str("all usable");
  CLI::Option* const threshold =
      parser.add_option("--threshold", options->threshold, "Confidence of requests that name none, without load");
  options->full_depth = parser.add_flag("--full-depth")
                            ->description("Run every layer for requests that name no policy, without load")
                            ->excludes(threshold);
  auto* busy =
      parser.add_option("--busy-threshold", options->busy_threshold, "Confidence to which that falls as load grows");
  parser
      .add_option("--busy-certified", options->busy_certified,
                  "As --busy-threshold, the stored policy certified for this loss")
      ->excludes(busy);
  parser.add_option("--queue", options->queue.waiting_texts, "Texts that may wait; more are refused with 429")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  options->busy_texts = parser
                            .add_option("--busy-texts", options->queue.busy_texts,
                                        "Waiting texts at which the policy is boldest, --queue if that is less")
                            ->check(CLI::Range(1, 1 << 24))
                            ->capture_default_str();
  parser.add_option("--batch", options->queue.texts_at_once, "Texts of several requests in one batch")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  parser.add_option("--connections", options->http.connections, "Connections at a time")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  parser.add_option("--texts", options->http.requests.texts, "Texts in one request")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  parser.add_option("--text-bytes", options->http.requests.text_bytes, "Bytes of one text")
      ->check(CLI::Range(std::size_t{1}, options->http.body_bytes))
      ->capture_default_str();
  parser.add_option("--token-file", options->token_file, "File whose first line requests must bring as bearer token")
      ->check(CLI::ExistingFile);
  return {&parser, [options] { serve(*options); }};
}

}  // namespace offramp_cli
