// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "fixed_number.hpp"
#include "input_lines.hpp"
#include "json_output.hpp"
#include "model_options.hpp"
#include "policy_options.hpp"
#include "policy_text.hpp"
#include "thread_runner.hpp"
#include "tsv_output.hpp"

#include <offramp/classifier.hpp>
#include <offramp/names.hpp>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace offramp_cli {

namespace {

/// Texts per call: enough to keep threads busy, few enough to bound memory and the wait for the first result.
constexpr std::size_t chunk_size = 256;

struct classify_options {
  model_options model;
  policy_options policy;
  input_options input;
  int threads = 1;
  const CLI::Option* trace = nullptr;
  const CLI::Option* json_lines = nullptr;
};

/// The predictions of one chunk; with --trace also what every exit says of each text, else empty.
struct chunk_result {
  std::vector<offramp::prediction> predictions;
  std::vector<std::vector<offramp::exit_output>> exits;
};

template <class Inputs>
chunk_result classify_inputs(const offramp::classifier& model, const Inputs& inputs, const classify_options& options,
                             const offramp::exit_policy& policy, const offramp::runner& run) {
  chunk_result result;
  if (options.trace->count() > 0) {
    result.exits = model.classify_batch_every_exit(inputs, run);
    if (policy == offramp::exit_policy::full_depth() && !options.policy.deadline_ms) {
      // What the last exits say, already.
      for (const std::vector<offramp::exit_output>& exits : result.exits) {
        result.predictions.push_back(exits.back().answer);
      }
      return result;
    }
  }
  result.predictions = model.classify_batch(inputs, options.policy.starting_now(policy), run);
  return result;
}

chunk_result classify_chunk(const offramp::classifier& model, const std::vector<input_text>& chunk,
                            const classify_options& options, const offramp::exit_policy& policy,
                            const offramp::runner& run) {
  if (chunk.front().second) {
    std::vector<offramp::sentence_pair> pairs;
    for (const input_text& text : chunk) {
      pairs.push_back({text.first, *text.second});
    }
    return classify_inputs(model, pairs, options, policy, run);
  }
  std::vector<std::string_view> texts;
  for (const input_text& text : chunk) {
    texts.emplace_back(text.first);
  }
  return classify_inputs(model, texts, options, policy, run);
}

/// The exits that were asked before `answer` was given, that of the answer included.
std::vector<offramp::exit_output> visited(const std::vector<offramp::exit_output>& exits,
                                          const offramp::prediction& answer) {
  std::vector<offramp::exit_output> below;
  for (const offramp::exit_output& exit : exits) {
    if (exit.answer.layer <= answer.layer) {
      below.push_back(exit);
    }
  }
  return below;
}

void write_text(const offramp::prediction& answer, const std::vector<offramp::exit_output>& trace) {
  std::cout << tsv_field(answer.label) << '\t' << fixed(static_cast<double>(answer.confidence), 4) << '\t'
            << answer.layer << '\n';
  for (const offramp::exit_output& exit : trace) {
    std::cout << "\tlayer " << exit.answer.layer << '\t' << tsv_field(exit.answer.label) << '\t'
              << fixed(static_cast<double>(exit.answer.confidence), 4) << '\n';
  }
}

/// One label, or those that a multi-label model gives.
json label_fields(const offramp::classifier& model, const offramp::prediction& answer) {
  if (model.cuts().empty()) {
    return {{"label", answer.label}, {"label_id", answer.label_id}};
  }
  json names = json::array();
  for (const int label : answer.label_ids) {
    names.push_back(model.labels()[static_cast<std::size_t>(label)]);
  }
  return {{"labels", std::move(names)}, {"label_ids", answer.label_ids}};
}

json answer_fields(const offramp::classifier& model, const offramp::prediction& answer) {
  json fields = label_fields(model, answer);
  fields["confidence"] = answer.confidence;
  fields["probabilities"] = answer.probabilities;
  fields["layer"] = answer.layer;
  return fields;
}

void write_json(const offramp::classifier& model, const offramp::prediction& answer,
                const std::vector<offramp::exit_output>& trace) {
  json line = answer_fields(model, answer);
  line["layers"] = model.num_layers();
  line["tokens"] = answer.tokens;
  line["truncated"] = answer.truncated;
  line["stopped"] = name_of(answer.stopped);
  if (!trace.empty()) {
    json exits = json::array();
    for (const offramp::exit_output& exit : trace) {
      exits.push_back(answer_fields(model, exit.answer));
      exits.back()["logits"] = exit.logits;
      if (exit.uncertainty) {
        exits.back()["uncertainty"] = *exit.uncertainty;
      }
    }
    line["exits"] = std::move(exits);
  }
  write_json_line(std::cout, line);
}

void write_chunk(const offramp::classifier& model, const chunk_result& result, const classify_options& options) {
  for (std::size_t i = 0; i < result.predictions.size(); ++i) {
    const offramp::prediction& answer = result.predictions[i];
    const auto trace = result.exits.empty() ? std::vector<offramp::exit_output>() : visited(result.exits[i], answer);
    if (options.json_lines->count() > 0) {
      write_json(model, answer, trace);
    } else {
      write_text(answer, trace);
    }
  }
  if (!std::cout.flush()) {
    throw std::runtime_error("standard output cannot be written");
  }
}

void classify(const classify_options& options) {
  // Mistakes in the policy should not wait for the model.
  options.policy.check();
  const offramp::classifier model = options.model.load_and_warn();
  const offramp::exit_policy policy = options.policy.policy(model);
  input_lines input(options.input, model.expected_input());
  const offramp::runner run = thread_runner(options.threads);
  const std::size_t size = options.policy.deadline_ms ? 1 : chunk_size;
  for (auto chunk = input.next_chunk(size); !chunk.empty(); chunk = input.next_chunk(size)) {
    write_chunk(model, classify_chunk(model, chunk, options, policy, run), options);
  }
}

}  // namespace

command add_classify(CLI::App& app) {
  CLI::App& parser = *app.add_subcommand("classify", "Label, confidence and layer of each text");
  const auto options = std::make_shared<classify_options>();
  options->model.add_to(parser);
  options->model.add_format_to(parser);
  options->model.add_exits_to(parser);
  options->policy.add_to(parser);
  options->policy.add_deadline_to(parser);
  options->input.add_to(parser);
  parser.add_option("--threads", options->threads, "Threads to use")->check(CLI::Range(1, 1024))->capture_default_str();
  options->trace = parser.add_flag("--trace")->description("Also show every exit visited");
  options->json_lines = parser.add_flag("--json")->description("Write JSON Lines");
  parser.footer(
      "A text is answered as soon as no other has arrived. In columns between tabs a backslash, tab, line feed or\n"
      "carriage return of a label is written as \\\\, \\t, \\n or \\r; --json has it as it is. A multi-label model's\n"
      "labels stand with commas between, in --json as a list.");
  return {&parser, [options] { classify(*options); }};
}

}  // namespace offramp_cli
