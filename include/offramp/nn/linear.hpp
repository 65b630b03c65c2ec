// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/aligned_vector.hpp>
#include <offramp/nn/layout.hpp>
#include <offramp/nn/rounding.hpp>
#include <offramp/nn/weight_memory.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// The weights of y = W x + b, packed for the kernels of one layout. Built empty, then filled row by row as the rows
/// come from the file; immutable afterwards. In int8 at most most_int8_inputs inputs.
class linear {
 public:
  linear() = default;
  linear(const layout& layout, std::size_t outputs, std::size_t inputs)
      : layout_(layout),
        outputs_(outputs),
        inputs_(inputs),
        units_(layout.weight_units(inputs)),
        panels_(layout.panels(outputs) * layout.panel_width * units_, 0),
        bias_(layout.panels(outputs) * layout.panel_width, 0.0F) {
    if (layout.format == numeric_format::int8) {
      scales_.resize(bias_.size(), 0.0F);
      sums_.resize(bias_.size(), 0);
    }
  }

  [[nodiscard]] std::size_t inputs() const noexcept { return inputs_; }
  [[nodiscard]] std::size_t outputs() const noexcept { return outputs_; }
  [[nodiscard]] std::size_t panels() const noexcept { return layout_.panels(outputs_); }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return panels_.size() * sizeof(std::uint32_t) + (bias_.size() + scales_.size()) * sizeof(float) +
           sums_.size() * sizeof(std::int32_t);
  }

  /// Takes the weights [inputs] of one output, rounded to the format: int8 symmetrically, the largest magnitude
  /// becoming 127.
  void set_row(std::size_t output, std::span<const float> weights) {
    switch (layout_.format) {
      case numeric_format::float32:
        set_units<1>(output, weights.size(), [&](std::size_t k) { return std::bit_cast<std::uint32_t>(weights[k]); });
        break;
      case numeric_format::bfloat16:
        set_units<2>(output, weights.size(), [&](std::size_t k) { return std::uint32_t{to_bfloat16(weights[k])}; });
        break;
      case numeric_format::int8: {
        const int8_scale scale = symmetric_scale(weights);
        set_int8_row(output, weights.size(), scale.step, [&](std::size_t first, std::span<std::int8_t> values) {
          scale.round_row(weights.subspan(first, values.size()), values.data());
        });
        break;
      }
    }
  }

  /// Takes the weights [inputs] of one output as stored in int8, weight = value * scale; other formats multiply out.
  void set_quantized_row(std::size_t output, std::span<const std::int8_t> values, float scale) {
    if (layout_.format == numeric_format::int8) {
      set_int8_row(output, values.size(), scale, [&](std::size_t first, std::span<std::int8_t> piece) {
        std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(first), piece.size(), piece.begin());
      });
      return;
    }
    aligned_vector<float> weights(values.size());
    std::transform(values.begin(), values.end(), weights.begin(),
                   [&](std::int8_t value) { return static_cast<float>(value) * scale; });
    set_row(output, weights);
  }

  void set_bias(std::size_t output, float value) { bias_[output] = value; }

  /// The weights of panel_width outputs, [weight_units][panel_width].
  [[nodiscard]] const std::uint32_t* panel(std::size_t index) const noexcept {
    return panels_.data() + index * units_ * layout_.panel_width;
  }
  /// The beginning of the packed weights, at most `most` bytes.
  [[nodiscard]] std::span<const std::uint32_t> beginning(std::size_t most) const noexcept {
    return std::span<const std::uint32_t>(panels_).first(std::min(panels_.size(), most / sizeof(std::uint32_t)));
  }
  /// Per output, padded with zeros to whole panels: the bias, what int8 weights are multiplied by, and their sum.
  [[nodiscard]] const float* bias() const noexcept { return bias_.data(); }
  [[nodiscard]] const float* scales() const noexcept { return scales_.data(); }
  [[nodiscard]] const std::int32_t* sums() const noexcept { return sums_.data(); }

 private:
  /// Writes the inputs of one output, `inputs_per_unit` to a unit, the first one lowest; `input(k)` has their bits.
  template <std::size_t inputs_per_unit, typename Input>
  void set_units(std::size_t output, std::size_t inputs, const Input& input) noexcept {
    constexpr std::size_t bits = 32 / inputs_per_unit;
    const std::size_t width = layout_.panel_width;
    std::uint32_t* unit = first_unit(output);
    const auto take = [&](std::size_t first, std::size_t count) {
      std::uint32_t packed = 0;
      for (std::size_t i = 0; i < count; ++i) {
        packed |= input(first + i) << (i * bits);
      }
      *unit = packed;
      unit += width;
    };
    const std::size_t whole = inputs / inputs_per_unit * inputs_per_unit;
    for (std::size_t k = 0; k < whole; k += inputs_per_unit) {
      take(k, inputs_per_unit);
    }
    if (whole < inputs) {
      take(whole, inputs - whole);
    }
  }

  /// `round(first, values)` gives the values from input `first` on.
  template <typename Round>
  void set_int8_row(std::size_t output, std::size_t inputs, float scale, const Round& round) noexcept {
    std::array<std::int8_t, 256> values{};
    std::uint32_t* unit = first_unit(output);
    std::int32_t sum = 0;
    for (std::size_t first = 0; first < inputs; first += values.size()) {
      const std::size_t count = std::min(values.size(), inputs - first);
      round(first, std::span(values).first(count));
      std::fill(values.begin() + static_cast<std::ptrdiff_t>(count), values.end(), std::int8_t{0});
      sum = std::accumulate(values.begin(), values.end(), sum);
      for (std::size_t i = 0; i < count; i += 4) {
        *unit = pack(&values[i]);
        unit += layout_.panel_width;
      }
    }
    scales_[output] = scale;
    sums_[output] = sum;
  }

  [[nodiscard]] std::uint32_t* first_unit(std::size_t output) noexcept {
    const std::size_t width = layout_.panel_width;
    return panels_.data() + output / width * units_ * width + output % width;
  }

  /// Four values as a unit.
  [[nodiscard]] std::uint32_t pack(const std::int8_t* values) const noexcept {
    const auto bits = [&](std::size_t i) { return std::uint32_t{static_cast<std::uint8_t>(values[i])} << (8 * i); };
    const std::uint32_t unit = bits(0) | bits(1) | bits(2) | bits(3);
    return layout_.has_unsigned_weights ? unit ^ 0x80808080U : unit;
  }

  layout layout_;
  std::size_t outputs_ = 0;
  std::size_t inputs_ = 0;
  std::size_t units_ = 0;
  weight_vector<std::uint32_t> panels_;
  aligned_vector<float> bias_;
  aligned_vector<float> scales_;
  aligned_vector<std::int32_t> sums_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
