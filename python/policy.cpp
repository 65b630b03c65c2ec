// SPDX-License-Identifier: Apache-2.0
#include "module.hpp"

#include <cli/policy_text.hpp>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

namespace offramp_python {

using namespace nb::literals;
using offramp::drift_audit;
using offramp::drift_counts;
using offramp::exit_policy;

exit_policy policy_of(nb::handle value, const offramp::classifier& model) {
  if (value.is_none()) {
    return model.default_policy();
  }
  if (nb::isinstance<exit_policy>(value)) {
    return nb::cast<exit_policy>(value);
  }
  if (PyFloat_Check(value.ptr())) {
    return nb::cast<double>(value);
  }
  throw nb::type_error(
      "a policy is a float from 0 to 1, an offramp.Policy, or None; offramp.Policy.full_depth() runs "
      "every layer");
}

namespace {

exit_policy with_deadline(const exit_policy& policy, double seconds) {
  // Further than a clock can count is never.
  constexpr double longest = 1e9;
  if (!(seconds >= 0.0)) {
    throw offramp::error(offramp::error_kind::invalid_argument,
                         "a deadline is a number of seconds from now, at least 0");
  }
  if (seconds > longest) {
    return policy;
  }
  const std::chrono::duration<double> left(seconds);
  return policy.with_deadline(std::chrono::steady_clock::now() +
                              std::chrono::duration_cast<std::chrono::steady_clock::duration>(left));
}

void bind_rules(nb::class_<exit_policy>& policy) {
  policy
      .def(nb::new_([](nb::float_ threshold) { return exit_policy(nb::cast<double>(threshold)); }), "threshold"_a,
           "Confidence >= threshold at the first exit that reaches it; from 0 to 1.")
      .def_static("full_depth", &exit_policy::full_depth, "Every layer runs.")
      .def_static("declining", &exit_policy::declining, "threshold"_a, "decline"_a,
                  "Confidence >= threshold - decline * exit, the first exit being 0.")
      .def_static("per_exit", &exit_policy::per_exit, "thresholds"_a, "Confidence >= thresholds[exit].")
      .def_static("per_class", &exit_policy::per_class, "thresholds"_a, "Confidence >= thresholds[exit][label_id].")
      .def_static("entropy", &exit_policy::entropy, "threshold"_a, "Entropy of the probabilities in nats < threshold.")
      .def_static("normalized_entropy", &exit_policy::normalized_entropy, "threshold"_a,
                  "Entropy divided by ln(number of labels) <= threshold.")
      .def_static("margin", &exit_policy::margin, "threshold"_a,
                  "Highest minus second highest probability >= threshold.")
      .def_static("patience", &exit_policy::patience, "count"_a,
                  "The label has stayed the same over `count` steps from exit to exit.")
      .def_static("patience_entropy", &exit_policy::patience_entropy, "threshold"_a, "count"_a,
                  "The normalized entropy was < threshold at `count` exits in a row.")
      .def_static("learned", &exit_policy::learned, "threshold"_a, "The model's own gate says < threshold.");
}

nb::list layers_of(const drift_counts& counts) {
  nb::list layers;
  for (const offramp::layer_drift& layer : counts.layers) {
    nb::dict row;
    row["layer"] = layer.layer;
    row["early_exits"] = layer.early_exits;
    row["audited"] = layer.audited;
    row["disagreements"] = layer.disagreements;
    layers.append(row);
  }
  return layers;
}

void bind_audit(nb::module_& module) {
  nb::class_<drift_counts>(module, "DriftCounts", "What a DriftAudit has seen so far.")
      .def_ro("texts", &drift_counts::texts)
      .def_ro("sampled", &drift_counts::sampled)
      .def_ro("early_exits", &drift_counts::early_exits)
      .def_ro("audited", &drift_counts::audited)
      .def_ro("disagreements", &drift_counts::disagreements)
      .def_ro("under_deadline", &drift_counts::under_deadline)
      .def_prop_ro("layers", &layers_of, "A dict for each layer where texts left, by ascending layer.")
      .def(
          "disagreement_once",
          [](const drift_counts& counts, double confidence) {
            const auto found = counts.disagreement_once(confidence);
            return std::pair(found.lower, found.upper);
          },
          "confidence"_a, "(lower, upper) of the rate, for who looks once.")
      .def(
          "disagreement_at_any_time",
          [](const drift_counts& counts, double confidence) {
            const auto found = counts.disagreement_at_any_time(confidence);
            return std::pair(found.lower, found.upper);
          },
          "confidence"_a, "(lower, upper) of the rate, for who looks again and again.");
  nb::class_<drift_audit>(module, "DriftAudit",
                          "Runs a fraction of the early exits on to the last exit and compares, where no labels are "
                          "known. One audit serves any number of calls and threads.")
      .def(nb::init<double>(), "fraction"_a,
           "The seed is drawn, so that short processes do not all look at the same texts.")
      .def(nb::init<double, std::uint64_t>(), "fraction"_a, "seed"_a)
      .def_prop_ro("fraction", &drift_audit::fraction)
      .def("counts", &drift_audit::counts, "All counts as they were at one moment.");
}

}  // namespace

void bind_policy(nb::module_& module) {
  bind_audit(module);
  nb::class_<std::stop_source>(module, "Stop", "Ends calls early, from any thread.")
      .def(nb::init<>())
      .def("request", [](std::stop_source& source) { source.request_stop(); });
  nb::class_<exit_policy> policy(module, "Policy", "When a text may leave the encoder. Immutable.");
  bind_rules(policy);
  policy
      .def("with_max_layer", &exit_policy::with_max_layer, "layer"_a,
           "The same policy, in which the last exit at or below `layer` always answers.")
      .def("with_deadline", &with_deadline, "seconds"_a,
           "The same policy with a deadline so many seconds from now, after which no text goes on that has an answer.")
      .def(
          "with_stop",
          [](const exit_policy& self, const std::stop_source& stop) { return self.with_stop_token(stop.get_token()); },
          "stop"_a, "The same policy, whose calls end soon after stop.request().")
      .def("audited_by", &exit_policy::audited_by, "audit"_a,
           "The same policy, whose early exits are audited; the answers stay the same.")
      .def("with_logits", &exit_policy::with_logits, "The same policy, whose predictions carry logits.")
      .def("with_embedding", &exit_policy::with_embedding,
           "The same policy, whose predictions carry the state that the exit's classifier read.")
      .def_prop_ro("threshold", &exit_policy::threshold, "Of a rule that has one, else 0.")
      .def_prop_ro("max_layer", &exit_policy::max_layer)
      .def(
          "__eq__", [](const exit_policy& self, const exit_policy& other) { return self == other; }, nb::is_operator())
      .def("__hash__",
           [](const exit_policy& self) {
             return std::hash<float>{}(self.threshold()) + static_cast<std::size_t>(self.rule_kind());
           })
      .def("__str__", &offramp_cli::describe)
      .def("__repr__",
           [](const exit_policy& self) { return nb::str("<Policy {}>").format(offramp_cli::describe(self)); });
}

}  // namespace offramp_python
