// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/checkpoint.hpp>
#include <offramp/model/config.hpp>
#include <offramp/model/linear_weights.hpp>
#include <offramp/nn/encoder.hpp>
#include <offramp/nn/head_positions.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/nn/relative_places.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// DeBERTa's table of relative embeddings, which every layer projects to what its heads multiply: once, while the model
/// loads. Const members are safe from several threads.
class relative_table {
 public:
  /// Reads the table and its norm. `places` and what else it takes must outlive the object.
  relative_table(const checkpoint& tensors, const std::string& prefix, const config& shape, const nn::kernels& kernels,
                 const nn::relative_places& places)
      : tensors_(tensors), shape_(shape), kernels_(kernels), places_(places) {
    const auto rows = static_cast<std::size_t>(2 * shape.relative.range.span());
    const std::string name = prefix + std::string(shape.family->relative_table);
    std::vector<float> table = tensors.read(name + ".weight", {rows, hidden()});
    if (shape.relative.normalizes_table) {
      const std::string norm = prefix + std::string(shape.family->relative_norm);
      kernels.normalize(read_layer_norm(tensors, norm, hidden(), shape.layer_norm_epsilon), table.data(), rows);
    }
    rows_.resize(kernels.layout, rows, hidden());
    kernels.pack(table.data(), hidden(), {0, rows}, rows_);
  }

  /// For each head of the layer whose tensors are called `name` and then as the family says.
  [[nodiscard]] std::vector<nn::head_positions> project(const nn::encoder_layer& layer, const std::string& name) const {
    std::vector<nn::head_positions> result(static_cast<std::size_t>(shape_.num_heads));
    const layer_names& names = shape_.family->names;
    if (shape_.relative.has_keys) {
      take_keys(project_by(layer.key_value, name, names.position_key), result);
    }
    if (shape_.relative.has_queries) {
      take_queries(project_by(layer.query, name, names.position_query), result);
    }
    return result;
  }

 private:
  /// [rows, stride], of which the first columns are the hidden size.
  struct projected_rows {
    std::vector<float> values;
    std::size_t stride;
  };

  [[nodiscard]] std::size_t hidden() const { return static_cast<std::size_t>(shape_.hidden_size); }
  [[nodiscard]] std::size_t head_size() const { return hidden() / static_cast<std::size_t>(shape_.num_heads); }

  /// By the layer's own weights for keys or queries, or by those that it has for positions.
  [[nodiscard]] projected_rows project_by(const nn::linear& own, const std::string& layer,
                                          std::string_view name) const {
    if (shape_.relative.shares_projections) {
      return multiply(own);
    }
    return multiply(read_linear(tensors_, layer + std::string(name), hidden(), hidden(), kernels_.layout));
  }

  [[nodiscard]] projected_rows multiply(const nn::linear& weights) const {
    const std::size_t width = kernels_.layout.panel_width;
    const std::size_t panels = kernels_.layout.panels(hidden());
    projected_rows result{std::vector<float>(rows_.rows() * panels * width), panels * width};
    kernels_.multiply(rows_, weights, {0, panels}, {.rows = result.values.data(), .stride = result.stride});
    return result;
  }

  [[nodiscard]] std::span<const float> of_head(const projected_rows& rows, std::size_t row, std::size_t head) const {
    return std::span(rows.values).subspan(row * rows.stride + head * head_size(), head_size());
  }

  void take_keys(const projected_rows& rows, std::vector<nn::head_positions>& heads) const {
    for (std::size_t head = 0; head < heads.size(); ++head) {
      nn::linear keys(kernels_.position_layout, places_.size(), head_size());
      for (std::size_t place = 0; place < places_.size(); ++place) {
        keys.set_row(place, of_head(rows, places_.row_before(place), head));
      }
      heads[head].keys = std::move(keys);
    }
  }

  void take_queries(const projected_rows& rows, std::vector<nn::head_positions>& heads) const {
    const float scale = 1.0F / std::sqrt(static_cast<float>(head_size()) * static_cast<float>(shape_.relative.terms()));
    std::vector<float> scaled(head_size());
    for (std::size_t head = 0; head < heads.size(); ++head) {
      nn::position_rows queries(places_.size(), head_size());
      for (std::size_t place = 0; place < places_.size(); ++place) {
        const std::span<const float> row = of_head(rows, places_.row_behind(place), head);
        for (std::size_t i = 0; i < row.size(); ++i) {
          scaled[i] = row[i] * scale;
        }
        queries.set_row(place, scaled);
      }
      heads[head].queries = std::move(queries);
    }
  }

  const checkpoint& tensors_;
  const config& shape_;
  const nn::kernels& kernels_;
  const nn::relative_places& places_;
  nn::packed_rows rows_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
