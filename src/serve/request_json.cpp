// SPDX-License-Identifier: Apache-2.0
#include "request_json.hpp"

#include <cli/policy_text.hpp>

#include <offramp/error.hpp>
#include <offramp/names.hpp>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstddef>
#include <set>
#include <utility>
#include <variant>

namespace offramp_serve {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

[[noreturn]] void refuse(const std::string& what) { throw request_error(400, what); }

const std::string& text_of(const json& value, const std::string& where, const request_limits& limits) {
  if (!value.is_string()) {
    refuse(where + " is no string");
  }
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() > limits.text_bytes) {
    throw request_error(413, where + " has " + std::to_string(text.size()) + " bytes, expected at most " +
                                 std::to_string(limits.text_bytes));
  }
  return text;
}

input_text pair_of(const json& value, const std::string& where, const request_limits& limits) {
  if (!value.is_array() || value.size() != 2) {
    refuse(where + " is no array of two texts");
  }
  return {text_of(value[0], where + "[0]", limits), text_of(value[1], where + "[1]", limits)};
}

std::vector<input_text> read_texts(const json& request, const request_limits& limits) {
  const int forms = int{request.contains("text")} + int{request.contains("texts")} + int{request.contains("pairs")};
  if (forms != 1) {
    refuse("expected one of text, texts and pairs");
  }
  if (request.contains("text")) {
    return {{text_of(request["text"], "text", limits), std::nullopt}};
  }
  const char* name = request.contains("texts") ? "texts" : "pairs";
  const json& all = request[name];
  if (!all.is_array()) {
    refuse(std::string(name) + " is no array");
  }
  if (all.size() > limits.texts) {
    throw request_error(413, std::string(name) + " has " + std::to_string(all.size()) + " elements, expected at most " +
                                 std::to_string(limits.texts));
  }
  std::vector<input_text> texts;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string where = name + ("[" + std::to_string(i) + "]");
    texts.push_back(request.contains("texts") ? input_text{text_of(all[i], where, limits), std::nullopt}
                                              : pair_of(all[i], where, limits));
  }
  return texts;
}

/// A value as it stands, where that is short.
std::string shown(const json& value) {
  constexpr std::size_t most = 32;
  const bool is_long =
      value.is_structured() || (value.is_string() && value.get_ref<const std::string&>().size() > most);
  return is_long ? std::string("of type ") + value.type_name() : value.dump();
}

/// The start of a member's name, as JSON.
std::string shown_name(const std::string& name) {
  constexpr std::size_t most = 64;
  return json(name.substr(0, most)).dump(-1, ' ', false, json::error_handler_t::ignore);
}

double number_of(const json& request, const char* name, double lowest, double highest) {
  const json& value = request[name];
  const double number = value.is_number() ? value.get<double>() : lowest - 1.0;
  if (!(number >= lowest && number <= highest)) {
    refuse(std::string(name) + " is " + shown(value) + ", expected a number from " + json(lowest).dump() + " to " +
           json(highest).dump());
  }
  return number;
}

/// False where it is missing.
bool flag_of(const json& request, const char* name) {
  if (!request.contains(name)) {
    return false;
  }
  if (!request[name].is_boolean()) {
    refuse(std::string(name) + " is no boolean");
  }
  return request[name].get<bool>();
}

std::optional<offramp::exit_policy> read_policy(const json& request, const served_model& model) {
  std::optional<offramp::exit_policy> policy;
  const bool wants_full_depth = flag_of(request, "full_depth");
  const int policies =
      (request.contains("threshold") ? 1 : 0) + (request.contains("certified") ? 1 : 0) + (wants_full_depth ? 1 : 0);
  if (policies > 1) {
    refuse("expected one of threshold, certified and full_depth, not several");
  }
  if (wants_full_depth) {
    policy = offramp::exit_policy::full_depth();
  }
  if (request.contains("threshold")) {
    policy = offramp::exit_policy(number_of(request, "threshold", 0.0, 1.0));
  }
  if (request.contains("certified")) {
    policy = model.classifier.certified(number_of(request, "certified", 0.0, 1.0));
    if (!policy) {
      refuse("the model has no certificate of at most " + request["certified"].dump() + " for " +
             std::string(name_of(model.classifier.format())) + ", which it is served in");
    }
  }
  if (request.contains("max_layer")) {
    if (!request["max_layer"].is_number_integer()) {
      refuse("max_layer is no integer");
    }
    const double layer = number_of(request, "max_layer", 0.0, model.classifier.num_layers());
    const offramp::exit_policy asked = policy.value_or(model.policies.at(0.0));
    // No deeper than the policy's own limit either.
    policy = asked.with_max_layer(std::min(static_cast<int>(layer), asked.max_layer().value_or(INT_MAX)));
  }
  if (policy) {
    try {
      model.classifier.check(*policy);
    } catch (const offramp::error& problem) {
      refuse(problem.what());
    }
  }
  return policy;
}

}  // namespace

job read_request(const std::string& body, const model_registry& models, const request_limits& limits) {
  constexpr int deepest = 8;  // more than any request needs; what takes values apart recurses
  std::set<std::string> members;
  const auto check = [&](int depth, json::parse_event_t event, const json& value) {
    if (depth > deepest) {
      refuse("the body is nested more than " + std::to_string(deepest) + " deep");
    }
    if (depth == 1 && event == json::parse_event_t::key && !members.insert(value.get<std::string>()).second) {
      refuse("member " + shown_name(value.get<std::string>()) + " stands twice");
    }
    return true;
  };
  const json request = json::parse(body, check, false);
  if (!request.is_object()) {
    refuse("the body is no JSON object");
  }
  static const std::set<std::string> known = {"text",      "texts",      "pairs",     "model",       "threshold",
                                              "certified", "full_depth", "max_layer", "deadline_ms", "exits"};
  for (const auto& [name, value] : request.items()) {
    if (!known.contains(name)) {
      refuse("unknown member " + shown_name(name));
    }
  }
  std::string name;
  if (request.contains("model")) {
    name = text_of(request["model"], "model", limits);
  }
  job work;
  work.model = models.find(name);
  if (!work.model) {
    throw request_error(404, "there is no such model; GET /v1/models lists them");
  }
  work.texts = read_texts(request, limits);
  work.policy = read_policy(request, *work.model);
  if (request.contains("deadline_ms")) {
    const std::chrono::duration<double, std::milli> allowed(
        number_of(request, "deadline_ms", 0.0, limits.most_deadline_ms));
    constexpr double share_of_the_work = 0.9;  // the answer has to be written and read
    work.deadline = std::chrono::steady_clock::now() +
                    std::chrono::duration_cast<std::chrono::steady_clock::duration>(share_of_the_work * allowed);
  }
  work.wants_exits = flag_of(request, "exits");
  if (work.wants_exits && work.deadline) {
    refuse("expected deadline_ms or exits, not both: what every exit says takes full depth");
  }
  return work;
}

namespace {

ordered_json scores_of(const offramp::classifier& model, const std::vector<float>& probabilities) {
  ordered_json scores = ordered_json::object();
  for (std::size_t label = 0; label < probabilities.size(); ++label) {
    scores[model.labels()[label]] = probabilities[label];
  }
  return scores;
}

/// One label, or those that a multi-label model gives.
ordered_json label_of(const offramp::classifier& model, const offramp::prediction& answer) {
  if (model.cuts().empty()) {
    return {{"label", answer.label}};
  }
  ordered_json names = ordered_json::array();
  for (const int label : answer.label_ids) {
    names.push_back(model.labels()[static_cast<std::size_t>(label)]);
  }
  return {{"labels", std::move(names)}};
}

ordered_json result_of(const served_model& model, const std::variant<offramp::prediction, offramp::error>& result) {
  if (const auto* problem = std::get_if<offramp::error>(&result)) {
    return {{"error", {{"kind", name_of(problem->kind())}, {"message", problem->what()}}}};
  }
  const auto& answer = std::get<offramp::prediction>(result);
  ordered_json fields = label_of(model.classifier, answer);
  fields["score"] = answer.confidence;
  fields["scores"] = scores_of(model.classifier, answer.probabilities);
  fields["layer"] = answer.layer;
  fields["stopped"] = name_of(answer.stopped);
  fields["truncated"] = answer.truncated;
  return fields;
}

}  // namespace

ordered_json write_answers(const served_model& model, const answers& given) {
  ordered_json results = ordered_json::array();
  for (std::size_t i = 0; i < given.results.size(); ++i) {
    ordered_json result = result_of(model, given.results[i]);
    if (i < given.exits.size()) {
      ordered_json exits = ordered_json::array();
      for (const offramp::exit_output& exit : given.exits[i]) {
        ordered_json fields = {{"layer", exit.answer.layer}};
        fields.update(label_of(model.classifier, exit.answer));
        fields["score"] = exit.answer.confidence;
        exits.push_back(std::move(fields));
      }
      result["exits"] = std::move(exits);
    }
    results.push_back(std::move(result));
  }
  return {{"model", model.name}, {"policy", offramp_cli::describe(given.policy)}, {"results", std::move(results)}};
}

ordered_json describe_model(const served_model& model) {
  const offramp::classifier& classifier = model.classifier;
  ordered_json exits = ordered_json::array();
  for (const offramp::exit_info& exit : classifier.exits()) {
    exits.push_back(exit.layer);
  }
  ordered_json certified = ordered_json::array();
  for (const offramp::certificate& each : classifier.certificates()) {
    if (each.scope == offramp::certified_scope::overall) {
      certified.push_back(each.epsilon);
    }
  }
  return {{"name", model.name},
          {"labels", classifier.labels()},
          {"cuts", classifier.cuts().empty() ? ordered_json() : ordered_json(classifier.cuts())},
          {"layers", classifier.num_layers()},
          {"exits", std::move(exits)},
          {"max_tokens", classifier.max_tokens()},
          {"kernels", classifier.info().kernels},
          {"policy", offramp_cli::describe(model.policies.at(0.0))},
          {"busiest_policy", offramp_cli::describe(model.policies.at(1.0))},
          {"certified", std::move(certified)}};
}

std::string to_text(const ordered_json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace offramp_serve
