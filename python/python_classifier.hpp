// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "module.hpp"
#include "python_texts.hpp"
#include "ucs4_texts.hpp"

#include <nanobind/ndarray.h>
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

using offramp::classifier;
using offramp::exit_policy;
using offramp::prediction;

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

inline array<float> vector_of(const std::vector<float>& values) { return array_of(values, {values.size()}); }

/// Null for the calling thread alone.
inline std::shared_ptr<offramp::thread_pool> pool_of(int threads) {
  return threads == 1 ? nullptr : std::make_shared<offramp::thread_pool>(threads);
}

inline offramp::runner lend(const std::shared_ptr<offramp::thread_pool>& pool) {
  return pool ? pool->lend() : offramp::runner();
}

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
    const auto pool = pool_of(threads);
    return {classifier::load(directory, options, offramp_python::lend(pool)), pool};
  }

  [[nodiscard]] const classifier& model() const noexcept { return model_; }
  [[nodiscard]] offramp::runner lend() const { return offramp_python::lend(pool_); }

  [[nodiscard]] prediction classify(nb::handle input, nb::handle policy) const {
    const exit_policy rule = policy_of(policy, model_);
    if (PyTuple_Check(input.ptr())) {
      const offramp::sentence_pair texts = pair_of(input);
      const nb::gil_scoped_release released;
      return model_.classify(texts, rule, lend());
    }
    const std::string_view text = text_of(input);
    const nb::gil_scoped_release released;
    return model_.classify(text, rule, lend());
  }

  [[nodiscard]] nb::dict classify_batch(nb::handle inputs, nb::handle policy) const {
    const exit_policy rule = policy_of(policy, model_);
    const python_texts texts(inputs);
    return columns(texts.visit([&](auto all) {
      const nb::gil_scoped_release released;
      return model_.classify_batch(all, rule, lend());
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
        throw offramp::error(offramp::error_kind::invalid_argument,
                             "the offsets of an Arrow array ascend and end within its bytes");
      }
      texts.emplace_back(data + begin, static_cast<std::size_t>(end - begin));
    }
    std::vector<prediction> answers;
    {
      const nb::gil_scoped_release released;
      answers = model_.classify_batch(texts, rule, lend());
    }
    return columns(answers);
  }

  [[nodiscard]] nb::dict classify_ucs4(const ucs4_texts::rows& rows, nb::handle policy) const {
    const exit_policy rule = policy_of(policy, model_);
    const ucs4_texts texts(rows);
    std::vector<prediction> answers;
    {
      const nb::gil_scoped_release released;
      answers = model_.classify_batch(texts.views(), rule, lend());
    }
    return columns(answers);
  }

  [[nodiscard]] std::vector<offramp::exit_output> every_exit(nb::handle input) const {
    const python_texts texts(nb::make_tuple(input));
    return texts.visit([&](auto all) {
      const nb::gil_scoped_release released;
      return model_.classify_every_exit(all[0], lend());
    });
  }

  /// Probabilities of every exit, [texts, exits, labels], and logits likewise.
  [[nodiscard]] nb::tuple every_exit_batch(nb::handle inputs) const {
    const python_texts texts(inputs);
    const auto outputs = texts.visit([&](auto all) {
      const nb::gil_scoped_release released;
      return model_.classify_batch_every_exit(all, lend());
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
    const offramp::encoding tokens = texts.visit([&](auto all) {
      const nb::gil_scoped_release released;
      return model_.tokenize(all[0]);
    });
    return nb::make_tuple(nb::cast(tokens.ids), tokens.truncated);
  }

 private:
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

}  // namespace offramp_python
