// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "examples.hpp"
#include "suggestion.hpp"

#include <offramp/error.hpp>
#include <offramp/version.hpp>

#include <exception>
#include <functional>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int runtime_failure = 1;
constexpr int usage_failure = 2;

int complain(const std::exception& problem, int status) {
  std::cout.flush();
  std::cerr << "offramp: " << problem.what() << '\n';
  return status;
}

/// The exit status of `work`, which has been done only when standard output took what was written to it.
int run(const std::function<void()>& work) {
  try {
    work();
    if (!std::cout.flush()) {
      throw std::runtime_error("standard output cannot be written");
    }
    return 0;
  } catch (const offramp_cli::usage_error& problem) {
    return complain(problem, usage_failure);
  } catch (const offramp::error& problem) {
    // The library blames its caller only for values that came from the command line.
    const bool usage = problem.kind() == offramp::error_kind::invalid_argument;
    return complain(problem, usage ? usage_failure : runtime_failure);
  } catch (const std::exception& problem) {
    return complain(problem, runtime_failure);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::ios_base::sync_with_stdio(false);
  CLI::App app("Classifies text with an early-exit BERT encoder.", "offramp");
  app.set_version_flag("--version", std::string(offramp::version()));
  app.require_subcommand(1);
  const std::vector<offramp_cli::command> commands = {
    offramp_cli::add_classify(app),
    offramp_cli::add_tokenize(app),
    offramp_cli::add_curve(app),
    offramp_cli::add_inspect(app),
    offramp_cli::add_verify(app),
    offramp_cli::add_fit(app),
    offramp_cli::add_calibrate(app),
    offramp_cli::add_certify(app),
    offramp_cli::add_evaluate(app),
#if defined(OFFRAMP_HAS_SERVE)
    offramp_cli::add_serve(app),
#endif
    offramp_cli::add_completion(app),
    offramp_cli::add_manual(app),
  };
  offramp_cli::add_examples(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    // CLI11 prints the help to the first stream and complaints to the second; its own codes start at 100.
    const bool is_help = app.exit(problem, std::cout, std::cerr) == 0;
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (const auto meant = is_help ? std::nullopt : offramp_cli::suggest(app, arguments)) {
      std::cerr << "Did you mean " << *meant << "?\n";
    }
    return is_help ? run([] {}) : usage_failure;
  }
  return run([&] {
    for (const offramp_cli::command& command : commands) {
      if (command.parser->parsed()) {
        command.run();
      }
    }
  });
}
