// SPDX-License-Identifier: Apache-2.0
// Attention by a tile engine. Its operands are float32, which tiles do not multiply: each number goes in as the sum of
// two of bfloat16, and a product as the three larger of the four, which together are off by some 2^-17.
#if defined(OFFRAMP_KERNELS_TILE_ATTENTION_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef OFFRAMP_KERNELS_TILE_ATTENTION_INL
#undef OFFRAMP_KERNELS_TILE_ATTENTION_INL
#else
#define OFFRAMP_KERNELS_TILE_ATTENTION_INL
#endif

#include "attention-inl.hpp"
#include "tile_products-inl.hpp"

#include "begin_target-inl.hpp"
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {

#if OFFRAMP_HAS_DOT_PRODUCTS

/// 32 numbers, of which two neighbours make a unit: x is about high + low.
struct split_pairs {
  __m512i high;
  __m512i low;
};

HWY_INLINE __m512 widen(__m256i bfloat16) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bfloat16), 16));
}

HWY_INLINE split_pairs split(__m512 first, __m512 second) {
  const auto high = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
  const auto low = _mm512_cvtne2ps_pbh(_mm512_sub_ps(second, widen(_mm512_extracti64x4_epi64(high, 1))),
                                       _mm512_sub_ps(first, widen(_mm512_castsi512_si256(high))));
  return {high, reinterpret_cast<__m512i>(low)};
}

/// The mask of the first `count` lanes of 16, none for a count below 1 and all for one above 15.
HWY_INLINE __mmask16 first_lanes(std::ptrdiff_t count) {
  return static_cast<__mmask16>(count >= 16 ? 0xFFFF : count <= 0 ? 0 : (1U << count) - 1U);
}

/// Rows become columns: unit j of row i goes to row j, unit i.
HWY_INLINE void transpose(__m512i (&rows)[16]) {
  __m512i other[16];
  for (int i = 0; i < 16; i += 2) {  // pairs of rows, unit by unit
    other[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    other[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {  // fours of rows, a unit in each 128 bits
    rows[i] = _mm512_unpacklo_epi64(other[i], other[i + 2]);
    rows[i + 1] = _mm512_unpackhi_epi64(other[i], other[i + 2]);
    rows[i + 2] = _mm512_unpacklo_epi64(other[i + 1], other[i + 3]);
    rows[i + 3] = _mm512_unpackhi_epi64(other[i + 1], other[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {  // eights
    other[i] = _mm512_shuffle_i32x4(rows[i], rows[i + 4], 0x88);
    other[i + 4] = _mm512_shuffle_i32x4(rows[i], rows[i + 4], 0xDD);
    other[i + 8] = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], 0x88);
    other[i + 12] = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], 0xDD);
  }
  for (int i = 0; i < 4; ++i) {
    rows[i] = _mm512_shuffle_i32x4(other[i], other[i + 8], 0x88);
    rows[i + 8] = _mm512_shuffle_i32x4(other[i], other[i + 8], 0xDD);
    rows[i + 4] = _mm512_shuffle_i32x4(other[i + 4], other[i + 12], 0x88);
    rows[i + 12] = _mm512_shuffle_i32x4(other[i + 4], other[i + 12], 0xDD);
  }
}

/// The higher numbers of a block's inputs lie before the lower ones.
struct split_operands {
  using products = tile_products<float>;
  static constexpr std::size_t block_inputs = 2 * layout::block_units;
  static constexpr std::size_t parts = 2;
  static constexpr std::size_t most_queries_at_once = 2 * most_tile_rows;
  static constexpr std::size_t block_weights = layout::block_units * tile_outputs;

  static void pack_row(const float* row, std::size_t inputs, float factor, packed_rows::place<std::uint32_t> target) {
    const __m512 factors = _mm512_set1_ps(factor);
    for_each_block<block_inputs>(row, inputs, [&](std::size_t block, const float* units) OFFRAMP_ATTR {
      const split_pairs x = split(_mm512_mul_ps(_mm512_loadu_ps(units), factors),
                                  _mm512_mul_ps(_mm512_loadu_ps(units + layout::block_units), factors));
      _mm512_storeu_si512(target.block(2 * block), x.high);
      _mm512_storeu_si512(target.block(2 * block + 1), x.low);
    });
  }

  static void pack_keys(const float* source, std::size_t stride, std::size_t keys, std::size_t size,
                        std::uint32_t* panel) {
    const std::size_t blocks = layout::ceil_divide(size, block_inputs);
    for (std::size_t first = 0; first < tile_outputs; first += layout::block_units) {
      for (std::size_t block = 0; block < blocks; ++block) {
        const auto rest = static_cast<std::ptrdiff_t>(size - block * block_inputs);
        __m512i high[16] = {};
        __m512i low[16] = {};
        for (std::size_t i = 0; first + i < keys && i < layout::block_units; ++i) {
          const float* key = source + (first + i) * stride + block * block_inputs;
          const split_pairs x = split(_mm512_maskz_loadu_ps(first_lanes(rest), key),
                                      _mm512_maskz_loadu_ps(first_lanes(rest - 16), key + layout::block_units));
          high[i] = x.high;
          low[i] = x.low;
        }
        transpose(high);
        transpose(low);
        for (std::size_t unit = 0; unit < layout::block_units; ++unit) {
          store(panel + 2 * block * block_weights + unit * tile_outputs + first, {high[unit], low[unit]});
        }
      }
    }
  }

  static void pack_values(const float* source, std::size_t stride, std::size_t tokens, std::size_t columns,
                          std::uint32_t* panel) {
    const std::size_t blocks = layout::ceil_divide(tokens, block_inputs);
    for (std::size_t unit = 0; unit < blocks * layout::block_units; ++unit) {
      std::uint32_t* target = panel + (unit / layout::block_units * block_weights + unit * tile_outputs);
      const float* first = source + std::min(2 * unit, tokens - 1) * stride;
      const float* second = source + std::min(2 * unit + 1, tokens - 1) * stride;
      for (std::size_t half = 0; half < tile_outputs; half += layout::block_units) {
        const __mmask16 mask = first_lanes(static_cast<std::ptrdiff_t>(columns) - static_cast<std::ptrdiff_t>(half));
        const split_pairs x = split(_mm512_maskz_loadu_ps(2 * unit < tokens ? mask : none, first + half),
                                    _mm512_maskz_loadu_ps(2 * unit + 1 < tokens ? mask : none, second + half));
        store(target + half, {alternate(x.high), alternate(x.low)});
      }
    }
  }

 private:
  static constexpr __mmask16 none = 0;

  /// The first 16 numbers in turn with the others.
  static HWY_INLINE __m512i alternate(__m512i halves) {
    const __m512i index = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i of_second = _mm512_slli_epi32(_mm512_add_epi32(index, _mm512_set1_epi32(16)), 16);
    return _mm512_permutexvar_epi16(_mm512_or_si512(index, of_second), halves);
  }

  static void store(std::uint32_t* weights, const split_pairs& x) {
    _mm512_storeu_si512(weights, x.high);
    _mm512_storeu_si512(weights + block_weights, x.low);
  }
};

/// The products of split operands by an engine.
class split_tiles : configured_tiles {
 public:
  using configured_tiles::configured_tiles;

  void multiply(std::size_t height, const tile_operands& operands, float* sums, std::size_t stride, sums_begin begin) {
    configure(height).multiply_split(height, operands, sums, stride, begin);
  }
};

/// Texts up to here take the vector instructions, which need less preparation.
inline constexpr std::size_t most_tokens_without_tiles = 32;

inline void attend_by_tiles(const tile_engine& engine, const attention_head& head, attention_scratch& scratch) {
  if (head.tokens <= most_tokens_without_tiles) {
    attend(head, scratch);
    return;
  }
  split_tiles tiles(engine);
  attention<split_operands, split_tiles>(tiles, head, scratch).run();
}

inline void attend_by_amx(const attention_head& head, attention_scratch& scratch) {
  attend_by_tiles(*amx_tiles(), head, scratch);
}

#endif

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
