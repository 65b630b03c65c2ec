// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <stdexcept>

namespace offramp_cli {

/// A mistake on the command line that only shows after parsing: exit status 2. Every other exception means 1.
class usage_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One subcommand: its parser, and what to do once that parser has seen its arguments.
struct command {
  const CLI::App* parser;
  std::function<void()> run;
};

command add_classify(CLI::App& app);
command add_tokenize(CLI::App& app);
command add_curve(CLI::App& app);
command add_inspect(CLI::App& app);
command add_verify(CLI::App& app);
command add_fit(CLI::App& app);
command add_calibrate(CLI::App& app);
command add_certify(CLI::App& app);
command add_evaluate(CLI::App& app);
command add_serve(CLI::App& app);  // where cpp-httplib is
command add_completion(CLI::App& app);
command add_manual(CLI::App& app);

}  // namespace offramp_cli
