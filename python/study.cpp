// SPDX-License-Identifier: Apache-2.0
// Fits, calibrates, certifies and evaluates as the command does; offramp/study.py gives it files.
#include "python_classifier.hpp"

#include <offramp/study/calibration.hpp>
#include <offramp/study/certifiable_texts.hpp>
#include <offramp/study/certification.hpp>
#include <offramp/study/certified_fit.hpp>
#include <offramp/study/evaluation.hpp>
#include <offramp/study/known_texts.hpp>
#include <offramp/study/ngram_weights.hpp>

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace offramp_python {

namespace {

using namespace nb::literals;
namespace study = offramp::study;
using path = std::filesystem::path;

/// Tells a Python function, if there is one, how far a part of the work is, and ends the work where that or a signal
/// (Ctrl-C) raises an exception. The function is borrowed from the caller.
study::progress reporter(const char* what, nb::handle report) {
  return [what, report](std::size_t done, std::size_t total) {
    const nb::gil_scoped_acquire held;
    if (PyErr_CheckSignals() != 0) {
      throw nb::python_error();
    }
    if (!report.is_none()) {
      report(what, done, total);
    }
  };
}

/// A file of data, as the command takes it with --data or --texts.
struct data_file {
  path name;
  bool is_labelled = true;
  std::vector<std::string> labels;  // as the data write them; empty: the model's own
};

study::dataset read(const data_file& file, const classifier& model) {
  const offramp::input_kind kind = model.expected_input().value_or(offramp::input_kind::single);
  if (!file.is_labelled) {
    return study::read_texts(file.name, kind);
  }
  const std::vector<std::string>& labels = file.labels.empty() ? model.labels() : file.labels;
  if (labels.size() != model.labels().size()) {
    throw offramp::error(offramp::error_kind::invalid_argument,
                         "labels must name every label of the model, in its order");
  }
  return study::read_dataset(file.name, labels, kind, {},
                             model.cuts().empty() ? study::labels_per_text::one : study::labels_per_text::any);
}

study::evaluation evaluate(const python_classifier& self, const data_file& file, nb::handle policy, nb::handle report) {
  const exit_policy rule = policy_of(policy, self.model());
  const study::progress progress = reporter("texts", report);
  const nb::gil_scoped_release released;
  self.model().check(rule);
  return study::evaluate(study::compute_exit_logits(self.model(), read(file, self.model()), self.lend(), progress),
                         self.model().labels(), rule);
}

/// A model directory that is changed, and how it is loaded for that.
struct studied_model {
  path directory;
  std::string format;
  int threads = 1;
};

study::calibration calibrate(const studied_model& given, const data_file& file, bool fits_ngram_weights,
                             bool keeps_full_depth, nb::handle report) {
  if (keeps_full_depth && !fits_ngram_weights) {
    throw offramp::error(offramp::error_kind::invalid_argument, "keep_full_depth is for ngram_weights");
  }
  const offramp::numeric_format format = format_of(given.format);
  const study::progress progress = reporter("texts", report);
  const nb::gil_scoped_release released;
  const auto pool = pool_of(given.threads);
  const classifier model = classifier::load(given.directory, {.format = format}, lend(pool));
  const study::dataset data = read(file, model);
  study::exit_logits logits = study::compute_exit_logits(model, data, lend(pool), progress);
  if (fits_ngram_weights) {
    logits = study::fit_ngram_weights(
        std::move(logits), keeps_full_depth ? study::full_depth_answers::kept : study::full_depth_answers::fitted);
  }
  study::calibration fitted =
      study::calibrate(std::move(logits), model.default_policy(), study::read_previous_logit_weights(given.directory));
  study::store_calibration(given.directory, format, fitted, data);
  return fitted;
}

/// The promise that is asked for.
struct wanted_promise {
  double epsilon = 0.0;
  double delta = 0.0;
  std::string loss;
  std::optional<float> decline;
  bool leaves_out_known = false;
  bool as_default = false;
};

study::certification certify(const studied_model& given, const data_file& file, const wanted_promise& wanted,
                             nb::handle report) {
  const offramp::numeric_format format = format_of(given.format);
  const offramp::certified_loss loss = loss_of(wanted.loss);
  const study::progress progress = reporter("texts", report);
  const nb::gil_scoped_release released;
  const auto pool = pool_of(given.threads);
  const classifier model = classifier::load(given.directory, {.format = format}, lend(pool));
  const study::certifiable_texts texts = study::select_certifiable(
      study::known_texts::read(given.directory), read(file, model),
      wanted.leaves_out_known ? study::known_text_handling::leave_out : study::known_text_handling::refuse);
  const std::vector<exit_policy> policies =
      wanted.decline ? study::declining_path(*wanted.decline, model.exits().size()) : study::threshold_path();
  study::certification result =
      study::certify(study::replay(study::compute_exit_logits(model, texts.texts, lend(pool), progress)), policies,
                     loss, wanted.epsilon, wanted.delta);
  if (result.certified) {
    study::store_certificate(given.directory, model, result, texts.texts);
    if (wanted.as_default) {
      study::store_default_policy(given.directory, model, result.certified->policy);
    }
  } else {
    study::note_texts(given.directory, study::text_use::certified, texts.texts);
  }
  return result;
}

template <class Choice>
Choice choice_of(const std::string& name, const char* what, std::initializer_list<std::pair<const char*, Choice>> all) {
  std::string names;
  for (const auto& [known, choice] : all) {
    if (name == known) {
      return choice;
    }
    names += (names.empty() ? "" : ", ") + ('"' + std::string(known) + '"');
  }
  throw offramp::error(offramp::error_kind::invalid_argument,
                       std::string(what) + " is \"" + name + "\", expected one of " + names);
}

/// The options whose names differ from those of study::fit_options, or whose values have names.
struct fit_names {
  std::string pooling;
  std::string mix;
  std::string class_weights;
  std::string part_by;
  std::optional<std::string> input_kind;
};

study::fit_options named(study::fit_options options, const fit_names& names) {
  using offramp::input_kind;
  options.pooling = choice_of<study::pooling_choice>(names.pooling, "pooling",
                                                     {{"cls", study::pooling_choice::cls},
                                                      {"mean", study::pooling_choice::mean},
                                                      {"auto", study::pooling_choice::better}});
  options.mix = choice_of<study::layer_mix>(names.mix, "mix",
                                            {{"none", study::layer_mix::none}, {"learned", study::layer_mix::learned}});
  options.weighting = choice_of<study::class_weighting>(
      names.class_weights, "class_weights",
      {{"none", study::class_weighting::by_text}, {"balanced", study::class_weighting::balanced}});
  options.part_texts_by = choice_of<study::part_by>(
      names.part_by, "part_by", {{"text", study::part_by::text}, {"first_text", study::part_by::first_text}});
  if (names.input_kind) {
    options.input = choice_of<input_kind>(*names.input_kind, "input_kind",
                                          {{"single", input_kind::single}, {"pair", input_kind::pair}});
  }
  return options;
}

study::fit_progress all_parts(nb::handle report) {
  return {reporter("train", report), reporter("dev", report), reporter("heads", report), reporter("answers", report),
          reporter("certify", report)};
}

study::fit_result fit(const path& checkpoint, const path& out, const study::fit_files& files,
                      const study::fit_options& options, const fit_names& names, int threads, nb::handle report) {
  const study::fit_options chosen = named(options, names);
  const study::fit_progress progress = all_parts(report);
  const nb::gil_scoped_release released;
  const auto pool = pool_of(threads);
  return study::fit_exits(checkpoint, files, out, chosen, lend(pool), progress);
}

study::certified_fit fit_certified(const path& checkpoint, const path& out, const study::fit_files& files,
                                   const study::fit_options& options, const fit_names& names, double epsilon,
                                   double delta, const std::string& format, int threads, nb::handle report) {
  study::certified_fit_options chosen{.epsilon = epsilon, .delta = delta, .format = format_of(format)};
  chosen.fit = named(options, names);
  const study::fit_progress progress = all_parts(report);
  const nb::gil_scoped_release released;
  const auto pool = pool_of(threads);
  return study::fit_certified(checkpoint, files, out, chosen, lend(pool), progress);
}

/// Structures of options with the names of their members, which offramp/study.py fills.
void bind_options(nb::module_& module) {
  nb::class_<data_file>(module, "DataFile").def(nb::init<path, bool, std::vector<std::string>>());
  nb::class_<studied_model>(module, "StudiedModel").def(nb::init<path, std::string, int>());
  nb::class_<wanted_promise>(module, "WantedPromise")
      .def(nb::init<double, double, std::string, std::optional<float>, bool, bool>(), nb::arg(), nb::arg(), nb::arg(),
           nb::arg().none(), nb::arg(), nb::arg());
  nb::class_<study::fit_files>(module, "FitFiles")
      .def(nb::init<>())
      .def_rw("train", &study::fit_files::train)
      .def_rw("dev", &study::fit_files::dev)
      .def_rw("texts", &study::fit_files::texts);
  nb::class_<fit_names>(module, "FitNames")
      .def(nb::init<std::string, std::string, std::string, std::string, std::optional<std::string>>(), nb::arg(),
           nb::arg(), nb::arg(), nb::arg(), nb::arg().none());
  nb::class_<study::fit_options>(module, "FitOptions")
      .def(nb::init<>())
      .def_rw("labels", &study::fit_options::labels)
      .def_rw("cuts", &study::fit_options::cuts)
      .def_rw("layers", &study::fit_options::layers)
      .def_rw("strengths", &study::fit_options::strengths)
      .def_rw("max_tokens", &study::fit_options::max_tokens)
      .def_rw("threshold", &study::fit_options::threshold)
      .def_rw("golden", &study::fit_options::golden);
}

}  // namespace

void bind_study(nb::module_& module) {
  bind_options(module);
  module.def("evaluate", &evaluate, "model"_a, "data"_a, "policy"_a.none(), "report"_a.none());
  module.def("calibrate", &calibrate, "model"_a, "data"_a, "fits_ngram_weights"_a, "keeps_full_depth"_a,
             "report"_a.none());
  module.def("certify", &certify, "model"_a, "data"_a, "wanted"_a, "report"_a.none());
  module.def("fit", &fit, "checkpoint"_a, "out"_a, "files"_a, "options"_a, "names"_a, "threads"_a, "report"_a.none());
  module.def("fit_certified", &fit_certified, "checkpoint"_a, "out"_a, "files"_a, "options"_a, "names"_a, "epsilon"_a,
             "delta"_a, "format"_a, "threads"_a, "report"_a.none());
}

}  // namespace offramp_python
