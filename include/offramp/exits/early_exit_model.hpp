// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exits/head.hpp>
#include <offramp/load_options.hpp>
#include <offramp/nn/encoder.hpp>

#include <cstddef>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// Everything that turns token ids into answers. Immutable, shared by all calls.
struct early_exit_model {
  nn::encoder encoder;
  head_set heads;
  /// Which heads may answer, by index into heads.heads, ascending; never empty. An exit is an index into these.
  std::vector<std::size_t> answering;
  offramp::schedule schedule = offramp::schedule::by_cost;

  [[nodiscard]] const head& head_of(std::size_t exit) const { return heads.heads[answering[exit]]; }
  [[nodiscard]] std::size_t last_exit() const { return answering.size() - 1; }

  /// The input weights of the layer above, if there is one.
  [[nodiscard]] const nn::linear* first_weights_above(int layer) const {
    const auto index = static_cast<std::size_t>(layer);
    return index < encoder.depth ? &encoder.layer(index).key_value : nullptr;
  }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
