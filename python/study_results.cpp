// SPDX-License-Identifier: Apache-2.0
// What fit, calibrate, certify and evaluate found.
#include "module.hpp"

#include <offramp/study/calibration.hpp>
#include <offramp/study/certification.hpp>
#include <offramp/study/certified_fit.hpp>
#include <offramp/study/evaluation.hpp>

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <utility>

namespace offramp_python {

namespace {

namespace study = offramp::study;

std::pair<double, double> bounds_of(const study::interval& range) { return {range.lower, range.upper}; }

void bind_fit(nb::module_& module) {
  nb::class_<study::fitted_exit>(module, "FittedExit", "One exit of the new model.")
      .def_ro("layer", &study::fitted_exit::layer)
      .def_prop_ro(
          "pooling",
          [](const study::fitted_exit& self) {
            return self.layer == 0 ? "n-grams" : self.pooling == study::pooling_choice::cls ? "cls" : "mean";
          },
          "\"cls\", \"mean\", or \"n-grams\" before the encoder.")
      .def_ro("mix", &study::fitted_exit::mix, "Weights of layers 1 to `layer`; empty: the head reads its own layer.")
      .def_ro("strength", &study::fitted_exit::strength, "C; None for the checkpoint's own classifier, which is kept.")
      .def_ro("train_accuracy", &study::fitted_exit::train_accuracy, "None likewise.")
      .def_ro("is_optimal", &study::fitted_exit::is_optimal, "False: the fit of the head ran out of steps.")
      .def_ro("dev_accuracy", &study::fitted_exit::dev_accuracy)
      .def_prop_ro(
          "temperature", [](const study::fitted_exit& self) { return self.temperature.temperature; },
          "On dev, in float32.")
      .def_prop_ro("nll_before", [](const study::fitted_exit& self) { return self.temperature.nll_before; })
      .def_prop_ro("nll_after", [](const study::fitted_exit& self) { return self.temperature.nll_after; })
      .def_ro("ngram_weight", &study::fitted_exit::ngram_weight,
              "Times the logits of the exit before the encoder, which are part of its own.")
      .def_ro("ece_before", &study::fitted_exit::ece_before, "Calibration error on dev at temperature 1.")
      .def_ro("ece_after", &study::fitted_exit::ece_after);
  nb::class_<study::encoder_saving>(module, "EncoderSaving", "What an exit before the encoder saves on dev.")
      .def_ro("share", &study::encoder_saving::share, "Of the texts that leave before the encoder.")
      .def_ro("mean_layer", &study::encoder_saving::mean_layer)
      .def_ro("mean_layer_without", &study::encoder_saving::mean_layer_without)
      .def_ro("most_loss", &study::encoder_saving::most_loss);
  nb::class_<study::fit_result>(module, "FitResult", "A fitted model.")
      .def_ro("labels", &study::fit_result::labels)
      .def_ro("num_layers", &study::fit_result::num_layers)
      .def_ro("exits", &study::fit_result::exits)
      .def_ro("before_encoder", &study::fit_result::before_encoder,
              "Of the exit before the encoder where one was fitted, also where it was left out.")
      .def_ro("is_dev_labelled", &study::fit_result::is_dev_labelled,
              "False: accuracies on dev are agreement with the last exit.")
      .def_ro("warnings", &study::fit_result::warnings);
}

void bind_certification(nb::module_& module) {
  nb::class_<study::tested_policy>(module, "TestedPolicy", "What the texts say about one policy.")
      .def_ro("policy", &study::tested_policy::policy)
      .def_ro("losses", &study::tested_policy::losses)
      .def_ro("risk", &study::tested_policy::risk, "losses / n")
      .def_ro("bound", &study::tested_policy::bound, "Above the true risk with probability 1 - delta.")
      .def_ro("mean_layer", &study::tested_policy::mean_layer);
  nb::class_<study::certification>(module, "Certification", "How far a path of policies held its promise.")
      .def_prop_ro("loss", [](const study::certification& self) { return loss_name(self.loss); })
      .def_ro("epsilon", &study::certification::epsilon)
      .def_ro("delta", &study::certification::delta)
      .def_ro("n", &study::certification::n, "Texts that it was tested on.")
      .def_ro("certified", &study::certification::certified, "The boldest policy that passed, None where none did.")
      .def_ro("failed", &study::certification::failed, "The first that did not, None where all passed.");
  nb::class_<study::certified_fit>(module, "CertifiedFit", "A fitted model, and what is promised of it.")
      .def_ro("fit", &study::certified_fit::fit)
      .def_ro("promise", &study::certified_fit::promise)
      .def_ro("num_layers", &study::certified_fit::num_layers)
      .def_ro("report", &study::certified_fit::report, "report.html, with all thresholds on the texts that certified.")
      .def("__str__", &study::describe);
}

void bind_calibration(nb::module_& module) {
  nb::class_<study::exit_quality>(module, "ExitQuality", "How well the probabilities of an exit fit the answers.")
      .def_ro("accuracy", &study::exit_quality::accuracy)
      .def_ro("confidence", &study::exit_quality::confidence, "Mean.")
      .def_ro("nll", &study::exit_quality::nll, "Negative log-likelihood, in nats.")
      .def_ro("brier", &study::exit_quality::brier)
      .def_ro("ece", &study::exit_quality::ece, "Expected calibration error, 15 bins of equal width.")
      .def_ro("auroc_correct", &study::exit_quality::auroc_correct)
      .def_ro("aurc", &study::exit_quality::aurc);
  nb::class_<study::exit_calibration>(module, "ExitCalibration", "One exit at temperature 1 and at its own.")
      .def_ro("layer", &study::exit_calibration::layer)
      .def_ro("temperature", &study::exit_calibration::temperature)
      .def_ro("ngram_weight", &study::exit_calibration::ngram_weight,
              "Times the logits of the exit before the encoder, which are part of its own.")
      .def_ro("at_bound", &study::exit_calibration::at_bound, "The temperature lies at the end of its range.")
      .def_ro("before", &study::exit_calibration::before)
      .def_ro("after", &study::exit_calibration::after);
  nb::class_<study::calibration>(module, "Calibration", "Temperatures, and how they do on the data.")
      .def_ro("num_texts", &study::calibration::num_texts)
      .def_ro("exits", &study::calibration::exits);
}

void bind_evaluation(nb::module_& module) {
  nb::class_<study::exit_share>(module, "ExitShare", "The texts that one exit answers.")
      .def_ro("layer", &study::exit_share::layer)
      .def_ro("texts", &study::exit_share::texts)
      .def_ro("correct", &study::exit_share::correct)
      .def_ro("mean_confidence", &study::exit_share::mean_confidence);
  nb::class_<study::operating_point>(module, "OperatingPoint", "How texts are answered by one policy.")
      .def_ro("texts", &study::operating_point::texts)
      .def_ro("correct", &study::operating_point::correct)
      .def_ro("accuracy", &study::operating_point::accuracy)
      .def_prop_ro(
          "accuracy_95", [](const study::operating_point& self) { return bounds_of(self.accuracy_95); },
          "(lower, upper): Wilson's interval.")
      .def_ro("macro_f1", &study::operating_point::macro_f1)
      .def_ro("micro_f1", &study::operating_point::micro_f1)
      .def_ro("mean_layer", &study::operating_point::mean_layer)
      .def_ro("layer_speedup", &study::operating_point::layer_speedup, "Layer of the last exit / mean_layer.")
      .def_ro("disagreeing", &study::operating_point::disagreeing, "Texts with another label than at full depth.")
      .def_ro("disagreement", &study::operating_point::disagreement, "Their share.")
      .def_ro("exits", &study::operating_point::exits);
  nb::class_<study::paired_difference>(module, "PairedDifference", "Accuracy at full depth less that under the policy.")
      .def_ro("estimate", &study::paired_difference::estimate)
      .def_ro("lower", &study::paired_difference::lower, "Of Tango's interval, 95 %.")
      .def_ro("upper", &study::paired_difference::upper)
      .def_ro("p_value", &study::paired_difference::p_value, "Of McNemar's exact test.");
  nb::class_<study::label_share>(module, "LabelShare", "The texts of one right label.")
      .def_ro("label", &study::label_share::label)
      .def_ro("texts", &study::label_share::texts)
      .def_ro("correct", &study::label_share::correct)
      .def_ro("correct_at_full_depth", &study::label_share::correct_at_full_depth)
      .def_ro("mean_layer", &study::label_share::mean_layer);
  nb::class_<study::evaluation>(module, "Evaluation", "What one policy costs and gains on texts that chose nothing.")
      .def_ro("early", &study::evaluation::early, "Under the policy; without labels accuracy is agreement.")
      .def_ro("full", &study::evaluation::full, "The same texts at full depth.")
      .def_prop_ro(
          "disagreement_95", [](const study::evaluation& self) { return bounds_of(self.disagreement_95); },
          "(lower, upper): Clopper and Pearson's interval.")
      .def_ro("loss", &study::evaluation::loss, "None without labels.")
      .def_ro("by_label", &study::evaluation::by_label, "Empty without labels.")
      .def_ro("confusion", &study::evaluation::confusion,
              "[right label][given label]; empty without labels, and for multi-label models.");
}

}  // namespace

void bind_study_results(nb::module_& module) {
  bind_fit(module);
  bind_certification(module);
  bind_calibration(module);
  bind_evaluation(module);
}

}  // namespace offramp_python
