// SPDX-License-Identifier: Apache-2.0
#include "python_classifier.hpp"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace offramp_python {

using namespace nb::literals;

namespace {

void bind_predictions(nb::module_& module) {
  nb::class_<prediction>(module, "Prediction", "The answer for one text.")
      .def_ro("label", &prediction::label,
              "Name of the class, of a multi-label model those given with commas between; empty for a text that was "
              "cancelled.")
      .def_ro("label_id", &prediction::label_id)
      .def_ro("label_ids", &prediction::label_ids, "Of a multi-label model: the labels given, ascending; else empty.")
      .def_ro("confidence", &prediction::confidence)
      .def_prop_ro(
          "probabilities", [](const prediction& self) { return vector_of(self.probabilities); }, nb::rv_policy::move,
          "One per label, after the temperature.")
      .def_ro("layer", &prediction::layer, "Encoder layer whose exit answered; 0: before the encoder.")
      .def_ro("tokens", &prediction::tokens)
      .def_ro("truncated", &prediction::truncated)
      .def_prop_ro(
          "stopped", [](const prediction& self) { return std::string(name_of(self.stopped)); },
          "Why here: confident, last_exit, deadline, layer_limit or cancelled.")
      .def_prop_ro(
          "logits", [](const prediction& self) { return vector_of(self.logits); }, nb::rv_policy::move,
          "Of the exit that answered, before the temperature; by policy.with_logits().")
      .def_prop_ro(
          "embedding", [](const prediction& self) { return vector_of(self.embedding); }, nb::rv_policy::move,
          "What its classifier read; by policy.with_embedding().")
      .def("__repr__", [](const prediction& self) {
        return nb::str("Prediction(label={!r}, confidence={:.4f}, layer={})")
            .format(self.label, static_cast<double>(self.confidence), self.layer);
      });
  nb::class_<offramp::exit_output>(module, "ExitOutput", "What one exit says of a text.")
      .def_ro("answer", &offramp::exit_output::answer)
      .def_prop_ro(
          "logits", [](const offramp::exit_output& self) { return vector_of(self.logits); }, nb::rv_policy::move,
          "Before the temperature, one per label.")
      .def_ro("uncertainty", &offramp::exit_output::uncertainty, "Of the model's learned gate, None without one.");
}

nb::list exits_of(const python_classifier& self) {
  nb::list exits;
  for (const offramp::exit_info& exit : self.model().exits()) {
    exits.append(exit.layer);
  }
  return exits;
}

}  // namespace

void bind_classifier(nb::module_& module) {
  bind_predictions(module);
  nb::class_<python_classifier>(module, "Model")
      .def_static("load", &python_classifier::load, "directory"_a, "format"_a, "threads"_a, "exits"_a,
                  "max_tokens"_a.none())
      .def("classify", &python_classifier::classify, "input"_a, "policy"_a.none())
      .def("classify_batch", &python_classifier::classify_batch, "inputs"_a, "policy"_a.none())
      .def("classify_arrow", &python_classifier::classify_arrow<std::int32_t>, "offsets"_a.noconvert(), "bytes"_a,
           "policy"_a.none())
      .def("classify_arrow", &python_classifier::classify_arrow<std::int64_t>, "offsets"_a.noconvert(), "bytes"_a,
           "policy"_a.none())
      .def("classify_ucs4", &python_classifier::classify_ucs4, "rows"_a, "policy"_a.none())
      .def("every_exit", &python_classifier::every_exit, "input"_a)
      .def("every_exit_batch", &python_classifier::every_exit_batch, "inputs"_a)
      .def("tokenize", &python_classifier::tokenize, "input"_a)
      .def(
          "certified",
          [](const python_classifier& self, double epsilon, std::string_view loss) {
            return self.model().certified(epsilon, loss_of(loss));
          },
          "epsilon"_a, "loss"_a)
      .def(
          "warm_up",
          [](const python_classifier& self, int tokens) {
            const nb::gil_scoped_release released;
            self.model().warm_up(tokens);
          },
          "tokens"_a)
      .def_prop_ro("labels", [](const python_classifier& self) { return self.model().labels(); })
      .def_prop_ro("cuts",
                   [](const python_classifier& self) {
                     const std::vector<float>& cuts = self.model().cuts();
                     return cuts.empty() ? nb::object(nb::none()) : nb::cast(vector_of(cuts), nb::rv_policy::move);
                   })
      .def_prop_ro("num_layers", [](const python_classifier& self) { return self.model().num_layers(); })
      .def_prop_ro("exits", &exits_of)
      .def_prop_ro("max_tokens", [](const python_classifier& self) { return self.model().max_tokens(); })
      .def_prop_ro("default_policy", [](const python_classifier& self) { return self.model().default_policy(); })
      .def_prop_ro("kernels", [](const python_classifier& self) { return self.model().info().kernels; })
      .def_prop_ro("warnings", [](const python_classifier& self) { return self.model().info().warnings; });
}

}  // namespace offramp_python
