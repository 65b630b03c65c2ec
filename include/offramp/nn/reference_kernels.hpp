// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/nn/activation.hpp>
#include <offramp/nn/attention.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/nn/layer_norm.hpp>
#include <offramp/nn/reference_positions.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// The kernels of the header-only target: plain float32, every row through one routine on fixed-size Eigen arrays.
namespace reference {

inline void pack(const float* source, std::size_t stride, index_range range, packed_rows& target) {
  for (std::size_t row = range.first; row < range.last; ++row) {
    const auto place = target.row(row);
    for (std::size_t block = 0; block < target.blocks(); ++block) {
      const std::size_t first = block * layout::block_units;
      const std::size_t inputs = std::min(layout::block_units, target.inputs() - first);
      std::memset(place.block(block), 0, layout::block_units * sizeof(float));
      std::memcpy(place.block(block), source + row * stride + first, inputs * sizeof(float));
    }
  }
}

inline float finished(epilogue finish, float x, float before) {
  switch (finish) {
    case epilogue::store:
      return x;
    case epilogue::add:
      return before + x;
    case epilogue::gelu:
      return activate(activation::gelu, x);
    case epilogue::gelu_tanh:
      return activate(activation::gelu_tanh, x);
    case epilogue::relu:
      return activate(activation::relu, x);
    case epilogue::tanh:
      return std::tanh(x);
  }
  return x;
}

/// The outputs of one panel for one row. Each accumulates over the inputs in their order, whatever goes with it. Not
/// inlined: a copy per caller could be compiled to other roundings.
[[gnu::noinline]] inline void multiply_row(const packed_rows& rows, std::size_t row, const float* panel,
                                           const float* bias, float* sums) {
  using lanes = Eigen::Array<float, panel_width, 1>;
  const auto place = rows.row(row);
  lanes sum = lanes::Zero();
  for (std::size_t block = 0; block < rows.blocks(); ++block) {
    const auto* inputs = reinterpret_cast<const float*>(place.block(block));
    for (std::size_t i = 0; i < layout::block_units; ++i, panel += panel_width) {
      sum += inputs[i] * Eigen::Map<const lanes>(panel);
    }
  }
  Eigen::Map<lanes>{sums} = sum + Eigen::Map<const lanes>(bias);
}

inline void multiply(const packed_rows& rows, const linear& weights, index_range panels, const product_target& target) {
  for (std::size_t panel = panels.first; panel < panels.last; ++panel) {
    const std::size_t first = panel * panel_width;
    const std::size_t columns = std::min(panel_width, weights.outputs() - first);
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      float sums[panel_width];
      multiply_row(rows, row, reinterpret_cast<const float*>(weights.panel(panel)), weights.bias() + first, sums);
      float* outputs = target.rows + row * target.stride + first - panels.first * panel_width;
      for (std::size_t i = 0; i < columns; ++i) {
        outputs[i] = finished(target.finish, sums[i], outputs[i]);
      }
    }
  }
}

inline void normalize(const layer_norm& norm, float* rows, std::size_t count) {
  for (std::size_t row = 0; row < count; ++row) {
    norm.apply(rows + row * norm.scale.size());
  }
}

}  // namespace reference

[[nodiscard]] inline kernels reference_kernels() {
  return {.name = "reference float32",
          .layout = {.panel_width = reference::panel_width},
          .position_layout = {.panel_width = reference::panel_width},
          .pack = &reference::pack,
          .multiply = &reference::multiply,
          .attend = &attend,
          .normalize = &reference::normalize};
}

#if defined(OFFRAMP_HEADER_ONLY)
inline kernels choose_kernels(const load_options& options) {
  if (options.format != numeric_format::float32) {
    throw error(error_kind::unsupported, "load_options: format is not float32, the only one of the header-only target");
  }
  return reference_kernels();
}
#endif

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
