// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "json_output.hpp"
#include "model_options.hpp"
#include "policy_options.hpp"
#include "tsv_output.hpp"

#include <offramp/classifier.hpp>
#include <offramp/names.hpp>
#include <offramp/tokenizer.hpp>

#include <iostream>
#include <memory>
#include <string>

namespace offramp_cli {

namespace {

struct inspect_options {
  model_options model;
  const CLI::Option* json_lines = nullptr;
};

std::string kind_name(std::optional<offramp::input_kind> kind) {
  if (!kind) {
    return "not stated";
  }
  return *kind == offramp::input_kind::pair ? "pair" : "single";
}

void write_json(const offramp::classifier& model) {
  json exits = json::array();
  for (const offramp::exit_info& exit : model.exits()) {
    exits.push_back({{"layer", exit.layer}, {"temperature", exit.temperature}, {"ngram_weight", exit.ngram_weight}});
  }
  json certificates = json::array();
  for (const offramp::certificate& certificate : model.certificates()) {
    certificates.push_back({{"loss", name_of(certificate.loss)},
                            {"scope", name_of(certificate.scope)},
                            {"epsilon", certificate.epsilon},
                            {"delta", certificate.delta},
                            {"n", certificate.n},
                            {"looks", certificate.looks},
                            {"policy", describe(certificate.policy)}});
  }
  json line = {{"labels", model.labels()},
               {"cuts", model.cuts().empty() ? json() : json(model.cuts())},
               {"layers", model.num_layers()},
               {"max_tokens", model.max_tokens()},
               {"input", model.expected_input() ? json(kind_name(model.expected_input())) : json()},
               {"exits", std::move(exits)},
               {"default_policy", describe(model.default_policy())},
               {"certificates", std::move(certificates)},
               {"golden_texts", model.golden_texts().size()},
               {"kernels", model.info().kernels},
               {"weight_bytes", model.info().weight_bytes},
               {"warnings", model.info().warnings}};
  write_json_line(std::cout, line);
}

void write_text(const offramp::classifier& model) {
  std::cout << "labels          ";
  const char* separator = "";
  for (const std::string& label : model.labels()) {
    std::cout << separator << tsv_field(label);
    separator = ", ";
  }
  if (!model.cuts().empty()) {
    std::cout << "\nmulti-label     each label is given where its probability is above";
    separator = " ";
    for (const float cut : model.cuts()) {
      std::cout << separator << cut;
      separator = ", ";
    }
  }
  std::cout << "\nlayers          " << model.num_layers() << "\nmax tokens      " << model.max_tokens()
            << "\ninput           " << kind_name(model.expected_input()) << "\ndefault policy  "
            << describe(model.default_policy()) << "\ngolden texts    " << model.golden_texts().size()
            << "\nkernels         " << model.info().kernels << "\nweights         " << model.info().weight_bytes
            << " bytes\n";
  for (const offramp::exit_info& exit : model.exits()) {
    std::cout << "exit            layer " << exit.layer << ", temperature " << exit.temperature;
    if (exit.ngram_weight != 0.0F) {
      std::cout << ", adds the logits of layer 0 times " << exit.ngram_weight;
    }
    std::cout << '\n';
  }
  for (const offramp::certificate& certificate : model.certificates()) {
    std::cout << "certificate     " << name_of(certificate.loss) << " <= " << certificate.epsilon
              << (certificate.scope == offramp::certified_scope::every_exit ? " at every exit" : "")
              << " with probability " << 1.0 - certificate.delta << ", n = " << certificate.n
              << (certificate.looks > 1 ? ", look " + std::to_string(certificate.looks) : std::string()) << ": "
              << describe(certificate.policy) << '\n';
  }
  for (const std::string& warning : model.info().warnings) {
    std::cout << "warning         " << warning << '\n';
  }
}

/// A model without anything that answers.
void write_encoder(const offramp::encoder_description& encoder, const inspect_options& options) {
  const offramp::tokenizer tokens = offramp::tokenizer::load(options.model.path());
  if (options.json_lines->count() > 0) {
    write_json_line(std::cout, {{"model_type", encoder.model_type},
                                {"layers", encoder.num_layers},
                                {"hidden_size", encoder.hidden_size},
                                {"max_tokens", tokens.max_tokens()},
                                {"exits", json::array()},
                                {"warnings", json::array({encoder.objection})}});
    return;
  }
  std::cout << "encoder         " << encoder.model_type << "\nlayers          " << encoder.num_layers
            << "\nhidden size     " << encoder.hidden_size << "\nmax tokens      " << tokens.max_tokens()
            << "\nexits           none\nwarning         " << encoder.objection << '\n';
}

void inspect(const inspect_options& options) {
  if (const offramp::encoder_description encoder = offramp::describe_encoder(options.model.path());
      !encoder.objection.empty()) {
    write_encoder(encoder, options);
    return;
  }
  const offramp::classifier model = options.model.load();
  if (options.json_lines->count() > 0) {
    write_json(model);
  } else {
    write_text(model);
  }
}

}  // namespace

command add_inspect(CLI::App& app) {
  CLI::App& parser = *app.add_subcommand("inspect", "What is in a model");
  const auto options = std::make_shared<inspect_options>();
  options->model.add_positional_to(parser);
  options->model.add_format_to(parser);
  options->json_lines = parser.add_flag("--json")->description("Write one line of JSON");
  return {&parser, [options] { inspect(*options); }};
}

}  // namespace offramp_cli
