// SPDX-License-Identifier: Apache-2.0
// Self-attention of one head of one text, as two products with a softmax between them.
#if defined(OFFRAMP_KERNELS_ATTENTION_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef OFFRAMP_KERNELS_ATTENTION_INL
#undef OFFRAMP_KERNELS_ATTENTION_INL
#else
#define OFFRAMP_KERNELS_ATTENTION_INL
#endif

#include "activation-inl.hpp"
#include "positions-inl.hpp"
#include "rows-inl.hpp"
#include "tile-inl.hpp"

#include <offramp/nn/workspace.hpp>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "begin_target-inl.hpp"
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {

/// The operands of attention's products as float32, for tiles of vector registers. Another such struct states likewise:
///   products             whose tiles the rows are cut into
///   block_inputs         inputs of a row that blocks hold
///   parts                ... and how many blocks hold them
///   most_queries_at_once queries whose scores are held at once
/// and packs rows and the weights of one panel, with zeros in the place of what is missing. Blocks lie
/// [blocks of the inputs][parts].
struct float32_operands {
  using products = float32_products;
  static constexpr std::size_t block_inputs = layout::block_units;
  static constexpr std::size_t parts = 1;
  static constexpr std::size_t most_queries_at_once = 48;

  /// factor * row.
  static void pack_row(const float* row, std::size_t inputs, float factor, packed_rows::place<std::uint32_t> target) {
    for_each_block<block_inputs>(row, inputs, [&](std::size_t block, const float* units) OFFRAMP_ATTR {
      auto* place = reinterpret_cast<float*>(target.block(block));
      for (std::size_t i = 0; i < block_inputs; i += lanes()) {
        hn::StoreU(hn::LoadU(tag<float>(), units + i) * hn::Set(tag<float>(), factor), tag<float>(), place + i);
      }
    });
  }

  /// Keys [keys, stride] become the outputs of a panel, their numbers its inputs.
  static void pack_keys(const float* source, std::size_t stride, std::size_t keys, std::size_t size,
                        std::uint32_t* panel) {
    auto* target = reinterpret_cast<float*>(panel);
    constexpr std::size_t width = panel_width<products>();
    if (keys < width || size % block_inputs != 0) {
      std::fill_n(target, layout::ceil_divide(size, block_inputs) * block_inputs * width, 0.0F);
    }
    const std::size_t whole_keys = keys / 4 * 4;
    const std::size_t whole_inputs = size / 4 * 4;
    for (std::size_t key = 0; key < whole_keys; key += 4) {
      for (std::size_t i = 0; i < whole_inputs; i += 4) {
        transpose_fours(source + key * stride + i, stride, target + i * width + key, width);
      }
    }
    for (std::size_t key = 0; key < keys; ++key) {
      for (std::size_t i = key < whole_keys ? whole_inputs : 0; i < size; ++i) {
        target[i * width + key] = source[key * stride + i];
      }
    }
  }

  /// Columns of the values [tokens, stride] become the outputs of a panel, the tokens its inputs.
  static void pack_values(const float* source, std::size_t stride, std::size_t tokens, std::size_t columns,
                          std::uint32_t* panel) {
    auto* target = reinterpret_cast<float*>(panel);
    constexpr std::size_t width = panel_width<products>();
    for (std::size_t token = 0; token < tokens; ++token) {
      std::copy_n(source + token * stride, columns, target + token * width);
      std::fill_n(target + token * width + columns, width - columns, 0.0F);
    }
    std::fill(target + tokens * width, target + layout::ceil_divide(tokens, block_inputs) * block_inputs * width, 0.0F);
  }

 private:
  /// Four rows of four become columns.
  static HWY_INLINE void transpose_fours(const float* source, std::size_t stride, float* target, std::size_t width) {
#if HWY_TARGET == HWY_SCALAR
    for (std::size_t row = 0; row < 4; ++row) {
      for (std::size_t column = 0; column < 4; ++column) {
        target[column * width + row] = source[row * stride + column];
      }
    }
#else
    const hn::FixedTag<float, 4> d;
    const auto first = hn::LoadU(d, source);
    const auto second = hn::LoadU(d, source + stride);
    const auto third = hn::LoadU(d, source + 2 * stride);
    const auto fourth = hn::LoadU(d, source + 3 * stride);
    const auto lower_two = hn::InterleaveLower(d, first, second);
    const auto upper_two = hn::InterleaveUpper(d, first, second);
    const auto lower_others = hn::InterleaveLower(d, third, fourth);
    const auto upper_others = hn::InterleaveUpper(d, third, fourth);
    hn::StoreU(hn::ConcatLowerLower(d, lower_others, lower_two), d, target);
    hn::StoreU(hn::ConcatUpperUpper(d, lower_others, lower_two), d, target + width);
    hn::StoreU(hn::ConcatLowerLower(d, upper_others, upper_two), d, target + 2 * width);
    hn::StoreU(hn::ConcatUpperUpper(d, upper_others, upper_two), d, target + 3 * width);
#endif
  }
};

/// Replaces the scores of `tokens` keys by exp(x - max), with zeros up to `padded` of them, whole vectors, and returns
/// the sum: NaN where a score is not finite, which the maximum would pass over.
inline float exponentiate(float* scores, std::size_t tokens, std::size_t padded) {
  const tag<float> d;
  const std::size_t whole = tokens / lanes() * lanes();
  if (whole < tokens) {
    const auto last = hn::LoadU(d, scores + whole);
    const auto lowest = hn::Set(d, std::numeric_limits<float>::lowest());
    hn::StoreU(hn::IfThenElse(hn::FirstN(d, tokens - whole), last, lowest), d, scores + whole);
  }
  const std::size_t used = layout::ceil_divide(tokens, lanes()) * lanes();
  auto highest = hn::LoadU(d, scores);
  auto sum = hn::Zero(d);
  for (std::size_t i = 0; i < used; i += lanes()) {
    const auto x = hn::LoadU(d, scores + i);
    highest = hn::Max(highest, x);
    sum = hn::MulAdd(x, hn::Zero(d), sum);  // 0, or NaN
  }
  const auto top = hn::MaxOfLanes(d, highest);
  const auto keep = [&](std::size_t i, auto power) OFFRAMP_ATTR {
    hn::StoreU(power, d, scores + i);
    sum = sum + power;
  };
  for (std::size_t i = 0; i < whole; i += lanes()) {
    keep(i, exp_of_negative(hn::LoadU(d, scores + i) - top));
  }
  if (whole < tokens) {  // not by their scores alone, which may be the lowest, too
    const auto power = exp_of_negative(hn::LoadU(d, scores + whole) - top);
    keep(whole, hn::IfThenElseZero(hn::FirstN(d, tokens - whole), power));
  }
  std::fill(scores + used, scores + padded, 0.0F);
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

/// `Tiles` multiplies tiles of rows as Operands packs them.
template <class Operands, class Tiles>
class attention {
 public:
  attention(Tiles& tiles, const attention_head& head, attention_scratch& scratch)
      : tiles_(tiles),
        head_(head),
        scratch_(scratch),
        width_(panel_width<products>()),
        size_blocks_(layout::ceil_divide(head.size, Operands::block_inputs) * Operands::parts),
        padded_tokens_(layout::ceil_divide(head.tokens, Operands::block_inputs) * Operands::block_inputs),
        token_blocks_(padded_tokens_ / Operands::block_inputs * Operands::parts),
        key_panels_(layout::ceil_divide(head.tokens, width_)),
        value_panels_(layout::ceil_divide(head.size, width_)),
        score_stride_(std::max(key_panels_ * width_, padded_tokens_)) {}

  void run() {
    pack_keys();
    pack_values();
    const std::size_t most = Operands::most_queries_at_once;
    for (std::size_t first = 0; first < head_.queries; first += most) {
      const std::size_t count = std::min(most, head_.queries - first);
      pack_queries(first, count);
      begin_scores(first, count);
      score(count);
      softmax(count);
      mix_values(first, count);
    }
  }

 private:
  using products = typename Operands::products;

  void pack_keys() { pack_keys_by<Operands>(size_blocks_ * layout::block_units, scratch_.keys); }

  /// `units`: of a key, as the operands pack it.
  template <class Packer>
  void pack_keys_by(std::size_t units, aligned_vector<std::uint32_t>& target) {
    grow(target, key_panels_ * units * width_);
    for (std::size_t panel = 0; panel < key_panels_; ++panel) {
      const std::size_t first = panel * width_;
      Packer::pack_keys(head_.key + first * head_.key_value_stride, head_.key_value_stride,
                        std::min(width_, head_.tokens - first), head_.size, target.data() + panel * units * width_);
    }
  }

  void pack_values() {
    grow(scratch_.values, value_panels_ * panel_units(token_blocks_));
    for (std::size_t panel = 0; panel < value_panels_; ++panel) {
      const std::size_t first = panel * width_;
      Operands::pack_values(head_.value + first, head_.key_value_stride, head_.tokens,
                            std::min(width_, head_.size - first),
                            scratch_.values.data() + panel * panel_units(token_blocks_));
    }
  }

  void pack_queries(std::size_t first, std::size_t count) {
    pack_queries_by<Operands>({first, first + count}, size_blocks_ * layout::block_units, scratch_.queries);
  }

  template <class Packer>
  void pack_queries_by(index_range range, std::size_t units, packed_rows& target) {
    target.resize({}, range.last - range.first, units);
    const float scale = 1.0F / std::sqrt(static_cast<float>(head_.size * head_.terms));
    for (std::size_t row = range.first; row < range.last; ++row) {
      Packer::pack_row(head_.query + row * head_.query_stride, head_.size, scale, target.row(row - range.first));
    }
  }

  /// What the products are added to, where there is a bias or relative positions.
  void begin_scores(std::size_t first, std::size_t count) {
    grow(scratch_.scores, Operands::most_queries_at_once * score_stride_);
    for (std::size_t row = 0; head_.bias != nullptr && row < count; ++row) {
      float* scores = scratch_.scores.data() + row * score_stride_;
      std::copy_n(head_.bias - (first + row), head_.tokens, scores);
      std::fill(scores + head_.tokens, scores + score_stride_, 0.0F);
    }
    if (head_.positions != nullptr) {
      add_positions(first, count);
    }
  }

  /// By float32, however queries and keys are multiplied with each other.
  void add_positions(std::size_t first, std::size_t count) {
    if (head_.bias == nullptr) {
      std::fill_n(scratch_.scores.data(), count * score_stride_, 0.0F);
    }
    const position_products added(head_, {first, first + count}, scratch_.products);
    if constexpr (std::is_same_v<Operands, float32_operands>) {
      added.add_of_queries(scratch_.queries, scratch_.scores.data(), score_stride_);
      added.add_of_keys(scratch_.keys.data(), scratch_.scores.data(), score_stride_);
    } else {
      const std::size_t inputs = layout::ceil_divide(head_.size, layout::block_units) * layout::block_units;
      if (first == 0) {
        pack_keys_by<float32_operands>(inputs, scratch_.float32_keys);
      }
      pack_queries_by<float32_operands>({first, first + count}, inputs, scratch_.float32_queries);
      added.add_of_queries(scratch_.float32_queries, scratch_.scores.data(), score_stride_);
      added.add_of_keys(scratch_.float32_keys.data(), scratch_.scores.data(), score_stride_);
    }
  }

  void score(std::size_t count) {
    const row_tiles rows = row_tiles::of<products>(0, count);
    const bool is_begun = head_.bias != nullptr || head_.positions != nullptr;
    const sums_begin begin = is_begun ? sums_begin::in_memory : sums_begin::at_zero;
    for (std::size_t panel = 0; panel < key_panels_; ++panel) {
      const std::uint32_t* keys = scratch_.keys.data() + panel * panel_units(size_blocks_);
      for (std::size_t tile = 0; tile < rows.count; ++tile) {
        tiles_.multiply(rows.height(tile), operands(scratch_.queries, rows.begin(tile), keys),
                        scratch_.scores.data() + rows.begin(tile) * score_stride_ + panel * width_, score_stride_,
                        begin);
      }
    }
  }

  [[nodiscard]] std::size_t panel_units(std::size_t blocks) const { return blocks * layout::block_units * width_; }

  static tile_operands operands(const packed_rows& rows, std::size_t first, const std::uint32_t* panel) {
    const auto place = rows.row(first);
    return {place.units, place.block_stride, panel, rows.blocks() / Operands::parts, {}};
  }

  /// exp(x_i - max) / sum over the keys, into packed rows.
  void softmax(std::size_t count) {
    scratch_.weights.resize({}, count, token_blocks_ * layout::block_units);
    for (std::size_t row = 0; row < count; ++row) {
      float* scores = scratch_.scores.data() + row * score_stride_;
      const float factor = 1.0F / exponentiate(scores, head_.tokens, padded_tokens_);
      Operands::pack_row(scores, padded_tokens_, factor, scratch_.weights.row(row));
    }
  }

  void mix_values(std::size_t first, std::size_t count) {
    const row_tiles rows = row_tiles::of<products>(0, count);
    for (std::size_t panel = 0; panel < value_panels_; ++panel) {
      const std::uint32_t* values = scratch_.values.data() + panel * panel_units(token_blocks_);
      for (std::size_t tile = 0; tile < rows.count; ++tile) {
        write_context(operands(scratch_.weights, rows.begin(tile), values), first + rows.begin(tile), rows.height(tile),
                      panel * width_);
      }
    }
  }

  void write_context(const tile_operands& parts, std::size_t first, std::size_t height, std::size_t column) {
    HWY_ALIGN float sums[static_cast<std::size_t>(products::tallest) * panel_width<products>()];
    tiles_.multiply(height, parts, sums, width_, sums_begin::at_zero);
    const std::size_t columns = std::min(width_, head_.size - column);
    for (std::size_t row = 0; row < height; ++row) {
      std::copy_n(sums + row * width_, columns, head_.context + (first + row) * head_.context_stride + column);
    }
  }

  Tiles& tiles_;
  const attention_head& head_;
  attention_scratch& scratch_;
  std::size_t width_;
  std::size_t size_blocks_;
  std::size_t padded_tokens_;
  std::size_t token_blocks_;
  std::size_t key_panels_;
  std::size_t value_panels_;
  std::size_t score_stride_;
};

inline void attend(const attention_head& head, attention_scratch& scratch) {
  vector_tiles<float32_products> tiles;
  attention<float32_operands, vector_tiles<float32_products>>(tiles, head, scratch).run();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
