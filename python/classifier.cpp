// SPDX-License-Identifier: Apache-2.0
#include "module.hpp"
#include "python_texts.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <offramp/thread_pool.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp_python {

using namespace nb::literals;
using offramp::classifier;
using offramp::exit_policy;
using offramp::prediction;

const char* name_of(offramp::stop_reason reason) {
  switch (reason) {
    case offramp::stop_reason::confident:
      return "confident";
    case offramp::stop_reason::last_exit:
      return "last_exit";
    case offramp::stop_reason::deadline:
      return "deadline";
    case offramp::stop_reason::layer_limit:
      return "layer_limit";
    default:
      return "cancelled";
  }
}

namespace {

template <class Value>
using array = nb::ndarray<nb::numpy, Value>;

/// A NumPy array that owns the values.
template <class Value>
array<Value> array_of(std::vector<Value> values, std::vector<std::size_t> shape) {
  auto kept = std::make_unique<std::vector<Value>>(std::move(values));
  Value* const data = kept->data();
  const nb::capsule owner(kept.get(), [](void* all) noexcept { delete static_cast<std::vector<Value>*>(all); });
  kept.release();
  return array<Value>(data, shape.size(), shape.data(), owner);
}

array<float> vector_of(const std::vector<float>& values) { return array_of(values, {values.size()}); }

/// A model and the threads that its calls are lent.
class python_classifier {
 public:
  python_classifier(classifier model, std::shared_ptr<offramp::thread_pool> pool)
      : model_(std::move(model)), pool_(std::move(pool)) {}

  static python_classifier load(const std::filesystem::path& directory, const std::string& format, int threads,
                                std::vector<int> exits, std::optional<int> max_tokens) {
    offramp::load_options options;
    options.format = format_of(format);
    options.exits = std::move(exits);
    options.max_tokens = max_tokens;
    const nb::gil_scoped_release released;
    auto pool = threads == 1 ? nullptr : std::make_shared<offramp::thread_pool>(threads);
    return {classifier::load(directory, options, lend(pool)), pool};
  }

  [[nodiscard]] const classifier& model() const noexcept { return model_; }

  [[nodiscard]] prediction classify(nb::handle input, nb::handle policy) const {
    const exit_policy rule = policy_of(policy, model_);
    if (PyTuple_Check(input.ptr())) {
      const offramp::sentence_pair texts = pair_of(input);
      const nb::gil_scoped_release released;
      return model_.classify(texts, rule, lend(pool_));
    }
    const std::string_view text = text_of(input);
    const nb::gil_scoped_release released;
    return model_.classify(text, rule, lend(pool_));
  }

  [[nodiscard]] nb::dict classify_batch(nb::handle inputs, nb::handle policy) const {
    const exit_policy rule = policy_of(policy, model_);
    const python_texts texts(inputs);
    return columns(texts.visit([&](auto all) {
      const nb::gil_scoped_release released;
      return model_.classify_batch(all, rule, lend(pool_));
    }));
  }

  /// Texts as Arrow lays them out: text i is the bytes from offsets[i] to offsets[i + 1].
  template <class Offset>
  [[nodiscard]] nb::dict classify_arrow(const nb::ndarray<const Offset, nb::ndim<1>, nb::c_contig>& offsets,
                                        const nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig>& bytes,
                                        nb::handle policy) const {
    const exit_policy rule = policy_of(policy, model_);
    const auto* const data = reinterpret_cast<const char*>(bytes.data());
    std::vector<std::string_view> texts;
    texts.reserve(offsets.shape(0));
    for (std::size_t i = 0; i + 1 < offsets.shape(0); ++i) {
      const Offset begin = offsets(i);
      const Offset end = offsets(i + 1);
      if (begin < 0 || end < begin || static_cast<std::uint64_t>(end) > bytes.shape(0)) {
        throw nb::value_error("the offsets of an Arrow array ascend and end within its bytes");
      }
      texts.emplace_back(data + begin, static_cast<std::size_t>(end - begin));
    }
    std::vector<prediction> answers;
    {
      const nb::gil_scoped_release released;
      answers = model_.classify_batch(texts, rule, lend(pool_));
    }
    return columns(answers);
  }

  [[nodiscard]] std::vector<offramp::exit_output> every_exit(nb::handle input) const {
    const python_texts texts(nb::make_tuple(input));
    return texts.visit([&](auto all) {
      const nb::gil_scoped_release released;
      return model_.classify_every_exit(all[0], lend(pool_));
    });
  }

  /// Probabilities of every exit, [texts, exits, labels], and logits likewise.
  [[nodiscard]] nb::tuple every_exit_batch(nb::handle inputs) const {
    const python_texts texts(inputs);
    const auto outputs = texts.visit([&](auto all) {
      const nb::gil_scoped_release released;
      return model_.classify_batch_every_exit(all, lend(pool_));
    });
    std::vector<float> probabilities;
    std::vector<float> logits;
    for (const auto& text : outputs) {
      for (const offramp::exit_output& output : text) {
        probabilities.insert(probabilities.end(), output.answer.probabilities.begin(),
                             output.answer.probabilities.end());
        logits.insert(logits.end(), output.logits.begin(), output.logits.end());
      }
    }
    const std::vector<std::size_t> shape{outputs.size(), model_.exits().size(), model_.labels().size()};
    return nb::make_tuple(array_of(std::move(probabilities), shape), array_of(std::move(logits), shape));
  }

  [[nodiscard]] nb::tuple tokenize(nb::handle input) const {
    const python_texts texts(nb::make_tuple(input));
    const offramp::encoding tokens = texts.visit([&](auto all) { return model_.tokenize(all[0]); });
    return nb::make_tuple(nb::cast(tokens.ids), tokens.truncated);
  }

 private:
  static offramp::numeric_format format_of(std::string_view name) {
    if (name == "float32") {
      return offramp::numeric_format::float32;
    }
    if (name == "bfloat16") {
      return offramp::numeric_format::bfloat16;
    }
    if (name == "int8") {
      return offramp::numeric_format::int8;
    }
    throw nb::value_error("a format is \"float32\", \"bfloat16\" or \"int8\"");
  }

  static offramp::runner lend(const std::shared_ptr<offramp::thread_pool>& pool) {
    return pool ? pool->lend() : offramp::runner();
  }

  /// A column for each field, as NumPy has them.
  [[nodiscard]] nb::dict columns(const std::vector<prediction>& answers) const {
    const std::size_t count = answers.size();
    const std::size_t labels = model_.labels().size();
    std::vector<std::int32_t> numbers(3 * count);
    std::vector<float> confidences(count);
    std::vector<float> probabilities(count * labels, 0.0F);  // zeros where a text was cancelled
    std::vector<std::uint8_t> flags(2 * count);
    for (std::size_t i = 0; i < count; ++i) {
      const prediction& answer = answers[i];
      numbers[i] = answer.label_id;
      numbers[count + i] = answer.layer;
      numbers[2 * count + i] = answer.tokens;
      confidences[i] = answer.confidence;
      std::copy(answer.probabilities.begin(), answer.probabilities.end(), probabilities.data() + i * labels);
      flags[i] = answer.truncated ? 1 : 0;
      flags[count + i] = static_cast<std::uint8_t>(answer.stopped);
    }
    nb::dict result;
    result["numbers"] = array_of(std::move(numbers), {3, count});
    result["confidence"] = array_of(std::move(confidences), {count});
    result["probabilities"] = array_of(std::move(probabilities), {count, labels});
    result["flags"] = array_of(std::move(flags), {2, count});
    return result;
  }

  classifier model_;
  std::shared_ptr<offramp::thread_pool> pool_;
};

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
          "stopped", [](const prediction& self) { return name_of(self.stopped); },
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

std::optional<exit_policy> certified(const python_classifier& self, double epsilon, std::string_view loss) {
  if (loss == "disagreement") {
    return self.model().certified(epsilon, offramp::certified_loss::disagreement);
  }
  if (loss == "accuracy_drop") {
    return self.model().certified(epsilon, offramp::certified_loss::accuracy_drop);
  }
  if (loss == "error") {
    return self.model().certified(epsilon, offramp::certified_loss::error);
  }
  throw nb::value_error("a loss is \"disagreement\", \"accuracy_drop\" or \"error\"");
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
      .def("every_exit", &python_classifier::every_exit, "input"_a)
      .def("every_exit_batch", &python_classifier::every_exit_batch, "inputs"_a)
      .def("tokenize", &python_classifier::tokenize, "input"_a)
      .def("certified", &certified, "epsilon"_a, "loss"_a)
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
