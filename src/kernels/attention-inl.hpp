// SPDX-License-Identifier: Apache-2.0
// Self-attention of one head of one text, as two products with a softmax between them.
#if defined(OFFRAMP_KERNELS_ATTENTION_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef OFFRAMP_KERNELS_ATTENTION_INL
#undef OFFRAMP_KERNELS_ATTENTION_INL
#else
#define OFFRAMP_KERNELS_ATTENTION_INL
#endif

#include "tile-inl.hpp"

#include <offramp/nn/workspace.hpp>

#include <hwy/contrib/math/math-inl.h>

#include <algorithm>
#include <cmath>

#include "begin_target-inl.hpp"
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {

/// Queries whose scores are held at once.
inline constexpr std::size_t most_queries_at_once = 48;

class attention {
 public:
  attention(const attention_head& head, attention_scratch& scratch)
      : head_(head),
        scratch_(scratch),
        width_(2 * lanes()),
        size_blocks_(layout::ceil_divide(head.size, layout::block_units)),
        token_blocks_(layout::ceil_divide(head.tokens, layout::block_units)),
        key_panels_(layout::ceil_divide(head.tokens, width_)),
        value_panels_(layout::ceil_divide(head.size, width_)),
        score_stride_(std::max(key_panels_ * width_, token_blocks_ * layout::block_units)) {}

  void run() {
    pack_keys();
    pack_values();
    for (std::size_t first = 0; first < head_.queries; first += most_queries_at_once) {
      const std::size_t count = std::min(most_queries_at_once, head_.queries - first);
      pack_queries(first, count);
      begin_scores(first, count);
      score(count);
      softmax(count);
      mix_values(first, count);
    }
  }

 private:
  /// Keys as the weights of a product: [panels of keys][size][panel width].
  void pack_keys() {
    const std::size_t panel_size = size_blocks_ * layout::block_units * width_;
    grow(scratch_.keys, key_panels_ * panel_size);
    for (std::size_t panel = 0; panel < key_panels_; ++panel) {
      float* target = scratch_.keys.data() + panel * panel_size;
      const std::size_t first = panel * width_;
      const std::size_t keys = std::min(width_, head_.tokens - first);
      if (keys < width_ || head_.size % layout::block_units != 0) {
        std::fill_n(target, panel_size, 0.0F);
      }
      for (std::size_t key = 0; key < keys; ++key) {
        const float* source = head_.key + (first + key) * head_.key_value_stride;
        for (std::size_t i = 0; i < head_.size; ++i) {
          target[i * width_ + key] = source[i];
        }
      }
    }
  }

  /// Values as the weights of a product: [panels of the size][tokens][panel width].
  void pack_values() {
    const std::size_t panel_size = token_blocks_ * layout::block_units * width_;
    grow(scratch_.values, value_panels_ * panel_size);
    for (std::size_t panel = 0; panel < value_panels_; ++panel) {
      float* target = scratch_.values.data() + panel * panel_size;
      const std::size_t first = panel * width_;
      const std::size_t columns = std::min(width_, head_.size - first);
      for (std::size_t token = 0; token < head_.tokens; ++token) {
        std::copy_n(head_.value + token * head_.key_value_stride + first, columns, target + token * width_);
        std::fill_n(target + token * width_ + columns, width_ - columns, 0.0F);
      }
      std::fill(target + head_.tokens * width_, target + panel_size, 0.0F);
    }
  }

  void pack_queries(std::size_t first, std::size_t count) {
    scratch_.queries.resize({}, count, head_.size);
    const float scale = 1.0F / std::sqrt(static_cast<float>(head_.size));
    for (std::size_t row = 0; row < count; ++row) {
      const float* query = head_.query + (first + row) * head_.query_stride;
      const auto place = scratch_.queries.row(row);
      for (std::size_t block = 0; block < size_blocks_; ++block) {
        auto* target = reinterpret_cast<float*>(place.block(block));
        const std::size_t begin = block * layout::block_units;
        const std::size_t inputs = std::min(layout::block_units, head_.size - begin);
        for (std::size_t i = 0; i < inputs; ++i) {
          target[i] = query[begin + i] * scale;
        }
        std::fill(target + inputs, target + layout::block_units, 0.0F);
      }
    }
  }

  /// What the products are added to: the bias, and zeros where there is none.
  void begin_scores(std::size_t first, std::size_t count) {
    grow(scratch_.scores, most_queries_at_once * score_stride_);
    std::fill_n(scratch_.scores.data(), count * score_stride_, 0.0F);
    for (std::size_t row = 0; head_.bias != nullptr && row < count; ++row) {
      std::copy_n(head_.bias - (first + row), head_.tokens, scratch_.scores.data() + row * score_stride_);
    }
  }

  void score(std::size_t count) {
    const row_tiles rows = row_tiles::of<float32_products>(0, count);
    for (std::size_t panel = 0; panel < key_panels_; ++panel) {
      for (std::size_t tile = 0; tile < rows.count; ++tile) {
        const tile_operands parts{scratch_.queries.row(rows.begin(tile)).units,
                                  count * layout::block_units,
                                  weights(scratch_.keys, panel * size_blocks_),
                                  size_blocks_,
                                  {}};
        tiles<float32_products>[rows.height(tile) - 1](
            parts, scratch_.scores.data() + rows.begin(tile) * score_stride_ + panel * width_, score_stride_);
      }
    }
  }

  [[nodiscard]] const std::uint32_t* weights(const aligned_vector<float>& panels, std::size_t blocks) const {
    return reinterpret_cast<const std::uint32_t*>(panels.data() + blocks * layout::block_units * width_);
  }

  /// exp(x_i - max) / sum over the keys, into packed rows; zeros beyond the last key.
  void softmax(std::size_t count) {
    scratch_.weights.resize({}, count, head_.tokens);
    for (std::size_t row = 0; row < count; ++row) {
      float* scores = scratch_.scores.data() + row * score_stride_;
      const float factor = 1.0F / exponentiate(scores);
      const auto place = scratch_.weights.row(row);
      for (std::size_t block = 0; block < token_blocks_; ++block) {
        auto* target = reinterpret_cast<float*>(place.block(block));
        for (std::size_t i = 0; i < layout::block_units; i += lanes()) {
          const auto x = hn::LoadU(tag<float>(), scores + block * layout::block_units + i);
          hn::StoreU(x * hn::Set(tag<float>(), factor), tag<float>(), target + i);
        }
      }
    }
  }

  /// Replaces a row of scores by exp(x - max), padded with zeros, and returns the sum: NaN where a score is not finite,
  /// which the maximum and exp would pass over.
  float exponentiate(float* scores) const {
    const tag<float> d;
    const std::size_t padded = token_blocks_ * layout::block_units;
    const auto lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
    auto highest = lowest;
    const auto masked = [&](std::size_t i) OFFRAMP_ATTR {
      const auto x = hn::LoadU(d, scores + i);
      return i + lanes() <= head_.tokens ? x
             : i >= head_.tokens         ? lowest
                                         : hn::IfThenElse(hn::FirstN(d, head_.tokens - i), x, lowest);
    };
    auto sum = hn::Zero(d);
    for (std::size_t i = 0; i < padded; i += lanes()) {
      highest = hn::Max(highest, masked(i));
      sum = hn::MulAdd(hn::LoadU(d, scores + i), hn::Zero(d), sum);  // 0, or NaN
    }
    const auto top = hn::MaxOfLanes(d, highest);
    for (std::size_t i = 0; i < padded; i += lanes()) {
      const auto power = hn::Exp(d, masked(i) - top);
      hn::StoreU(power, d, scores + i);
      sum = sum + power;
    }
    return hn::GetLane(hn::SumOfLanes(d, sum));
  }

  void mix_values(std::size_t first, std::size_t count) {
    const row_tiles rows = row_tiles::of<float32_products>(0, count);
    for (std::size_t panel = 0; panel < value_panels_; ++panel) {
      for (std::size_t tile = 0; tile < rows.count; ++tile) {
        const tile_operands parts{scratch_.weights.row(rows.begin(tile)).units,
                                  count * layout::block_units,
                                  weights(scratch_.values, panel * token_blocks_),
                                  token_blocks_,
                                  {}};
        write_context(parts, first + rows.begin(tile), rows.height(tile), panel * width_);
      }
    }
  }

  void write_context(const tile_operands& parts, std::size_t first, std::size_t height, std::size_t column) {
    HWY_ALIGN float sums[static_cast<std::size_t>(float32_products::tallest) * 2 * lanes()];
    std::fill_n(sums, height * width_, 0.0F);
    tiles<float32_products>[height - 1](parts, sums, width_);
    const std::size_t columns = std::min(width_, head_.size - column);
    for (std::size_t row = 0; row < height; ++row) {
      std::copy_n(sums + row * width_, columns, head_.context + (first + row) * head_.context_stride + column);
    }
  }

  const attention_head& head_;
  attention_scratch& scratch_;
  std::size_t width_;
  std::size_t size_blocks_;
  std::size_t token_blocks_;
  std::size_t key_panels_;
  std::size_t value_panels_;
  std::size_t score_stride_;
};

inline void attend(const attention_head& head, attention_scratch& scratch) { attention(head, scratch).run(); }

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
