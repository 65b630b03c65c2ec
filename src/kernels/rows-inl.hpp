// SPDX-License-Identifier: Apache-2.0
// What happens to single rows between the products: packing them for the next one, and layer normalization.
#if defined(OFFRAMP_KERNELS_ROWS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef OFFRAMP_KERNELS_ROWS_INL
#undef OFFRAMP_KERNELS_ROWS_INL
#else
#define OFFRAMP_KERNELS_ROWS_INL
#endif

#include "int8_products-inl.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "begin_target-inl.hpp"
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {

/// Calls pack_block(block, 16 units' worth of inputs) for a row, the last block from a copy padded with zeros.
template <std::size_t block_inputs, class PackBlock>
HWY_INLINE void for_each_block(const float* row, std::size_t inputs, const PackBlock& pack_block) {
  std::size_t block = 0;
  for (; (block + 1) * block_inputs <= inputs; ++block) {
    pack_block(block, row + block * block_inputs);
  }
  if (const std::size_t rest = inputs - block * block_inputs; rest != 0) {
    HWY_ALIGN float padded[block_inputs] = {};
    std::copy_n(row + block * block_inputs, rest, padded);
    pack_block(block, padded);
  }
}

inline void pack_float32(const float* source, std::size_t stride, index_range range, packed_rows& target) {
  for (std::size_t row = range.first; row < range.last; ++row) {
    const auto place = target.row(row);
    for_each_block<16>(source + row * stride, target.inputs(),
                       [&](std::size_t block, const float* inputs) { std::memcpy(place.block(block), inputs, 64); });
  }
}

/// Rounds to the nearest bfloat16, ties to even, and leaves it in float32. NaN becomes a NaN whatever its bits, which
/// the addition could carry over into the sign.
HWY_INLINE vector<float> round_to_bfloat16(vector<float> x) {
  const tag<std::uint32_t> d;
  const auto bits = hn::BitCast(d, x);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1U));
  const auto rounded = hn::And(bits + odd + hn::Set(d, 0x7FFFU), hn::Set(d, 0xFFFF0000U));
  return hn::BitCast(tag<float>(), hn::IfThenElse(hn::RebindMask(d, hn::IsNaN(x)), hn::Set(d, 0x7FC00000U), rounded));
}

inline void pack_widened_bfloat16(const float* source, std::size_t stride, index_range range, packed_rows& target) {
  for (std::size_t row = range.first; row < range.last; ++row) {
    const auto place = target.row(row);
    for_each_block<16>(source + row * stride, target.inputs(),
                       [&](std::size_t block, const float* inputs) OFFRAMP_ATTR {
                         auto* units = reinterpret_cast<float*>(place.block(block));
                         for (std::size_t i = 0; i < 16; i += lanes()) {
                           hn::StoreU(round_to_bfloat16(hn::LoadU(tag<float>(), inputs + i)), tag<float>(), units + i);
                         }
                       });
  }
}

#if OFFRAMP_HAS_DOT_PRODUCTS
inline void pack_bfloat16(const float* source, std::size_t stride, index_range range, packed_rows& target) {
  for (std::size_t row = range.first; row < range.last; ++row) {
    const auto place = target.row(row);
    for_each_block<32>(source + row * stride, target.inputs(),
                       [&](std::size_t block, const float* inputs) OFFRAMP_ATTR {
                         const auto pairs = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(inputs + 16), _mm512_loadu_ps(inputs));
                         _mm512_storeu_si512(place.block(block), reinterpret_cast<__m512i>(pairs));
                       });
  }
}
#elif OFFRAMP_HAS_NEON_DOT_PRODUCTS
inline void pack_bfloat16(const float* source, std::size_t stride, index_range range, packed_rows& target) {
  const tag<std::uint16_t> d;
  for (std::size_t row = range.first; row < range.last; ++row) {
    const auto place = target.row(row);
    for_each_block<32>(source + row * stride, target.inputs(), [&](std::size_t block, const float* inputs) {
      auto* values = reinterpret_cast<std::uint16_t*>(place.block(block));
      for (std::size_t i = 0; i < 32; i += 2 * lanes()) {
        const auto first = hn::BitCast(d, round_to_bfloat16(hn::LoadU(tag<float>(), inputs + i)));
        const auto second = hn::BitCast(d, round_to_bfloat16(hn::LoadU(tag<float>(), inputs + i + lanes())));
        hn::StoreU(hn::ConcatOdd(d, second, first), d, values + i);
      }
    });
  }
}
#endif

/// The largest magnitude of a row, compared as integers so that infinities and NaN come out on top.
inline float largest_magnitude(const float* row, std::size_t size) {
  const tag<std::int32_t> d;
  const auto no_sign = hn::Set(d, 0x7FFFFFFF);
  auto largest = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes() <= size; i += lanes()) {
    const auto bits = hn::BitCast(d, hn::LoadU(tag<float>(), row + i));
    largest = hn::Max(largest, hn::And(bits, no_sign));
  }
  std::int32_t top = hn::GetLane(hn::MaxOfLanes(d, largest));
  for (; i < size; ++i) {
    std::int32_t bits = 0;
    std::memcpy(&bits, row + i, sizeof bits);
    top = std::max(top, bits & 0x7FFFFFFF);
  }
  float magnitude = 0.0F;
  std::memcpy(&magnitude, &top, sizeof magnitude);
  return magnitude;
}

/// 64 inputs, of which the scale makes at most 127, to int8, plus the offset that the products want.
#if OFFRAMP_HAS_DOT_PRODUCTS
HWY_INLINE void quantize_block(const float* inputs, vector<float> inverse, std::uint32_t* units) {
  static_assert(int8_products::row_offset == 128);
  const auto quarter = [&](int index) OFFRAMP_ATTR {
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(inputs + 16 * index), inverse.raw));
  };
  const __m512i bytes =
      _mm512_packs_epi16(_mm512_packs_epi32(quarter(0), quarter(1)), _mm512_packs_epi32(quarter(2), quarter(3)));
  // Narrowing put fours of all quarters in turn.
  const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  _mm512_storeu_si512(units, _mm512_xor_si512(_mm512_permutexvar_epi32(order, bytes), _mm512_set1_epi8(-128)));
}
#else
HWY_INLINE void quantize_block(const float* inputs, vector<float> inverse, std::uint32_t* units) {
  static_assert(int8_products::row_offset == 0);
  const tag<float> d;
  const tag<std::int32_t> di;
  const hn::Rebind<std::int8_t, tag<std::int32_t>> d8;
  auto* bytes = reinterpret_cast<std::int8_t*>(units);
  for (std::size_t i = 0; i < 64; i += lanes()) {
    const auto rounded = hn::NearestInt(hn::LoadU(d, inputs + i) * inverse);
    const auto limited = hn::Max(hn::Min(rounded, hn::Set(di, 127)), hn::Set(di, -127));
    hn::StoreU(hn::DemoteTo(d8, limited), d8, bytes + i);
  }
}
#endif

#if OFFRAMP_HAS_PAIR_PRODUCTS
/// Halves the pairs of a unit whose sum exceeds most_pair, and returns the other halves.
inline std::uint32_t take_excess(std::uint32_t& unit) {
  std::int8_t values[4];
  std::int8_t rest[4] = {};
  std::memcpy(values, &unit, sizeof values);
  for (int i = 0; i < 4; i += 2) {
    if (std::abs(values[i] + values[i + 1]) > most_pair) {
      for (int k = i; k < i + 2; ++k) {
        rest[k] = static_cast<std::int8_t>(values[k] / 2);
        values[k] = static_cast<std::int8_t>(values[k] - rest[k]);
      }
    }
  }
  std::memcpy(&unit, values, sizeof values);
  std::uint32_t excess = 0;
  std::memcpy(&excess, rest, sizeof rest);
  return excess;
}

/// Sums a quantized row for unsigned weights, and makes it fit for pair_products where these are its products.
template <class Products>
void prepare_for_unsigned_weights(std::size_t row, packed_rows& target) {
  const tag<std::int32_t> d;
  const hn::ScalableTag<std::int16_t> d16;
  const auto place = target.row(row);
  const auto ones = hn::Set(d, 0x01010101);
  auto sum = hn::Zero(d);
  if (Products::puts_excess_aside) {
    target.clear_excess(row);
  }
  for (std::size_t block = 0; block < target.blocks(); ++block) {
    std::uint32_t* const units = place.block(block);
    for (std::size_t first = 0; first < layout::block_units; first += lanes()) {
      const auto pairs = pair_products(ones, hn::LoadU(d, reinterpret_cast<const std::int32_t*>(units + first)));
      sum = sum + sums_of_pairs(pairs);
      if (!Products::puts_excess_aside ||
          hn::AllFalse(d16, hn::Gt(hn::Abs(pairs), hn::Set(d16, std::int16_t{most_pair})))) {
        continue;
      }
      for (std::size_t unit = first; unit < first + lanes(); ++unit) {
        if (const std::uint32_t excess = take_excess(units[unit]); excess != 0) {
          target.add_excess(row, {static_cast<std::uint32_t>(block * layout::block_units + unit), excess});
        }
      }
    }
  }
  target.sum(row) = hn::GetLane(hn::SumOfLanes(d, sum));
}
#endif

template <class Products>
void pack_int8(const float* source, std::size_t stride, index_range range, packed_rows& target) {
  for (std::size_t row = range.first; row < range.last; ++row) {
    const float* inputs = source + row * stride;
    const int8_scale scale = scale_of_magnitude(largest_magnitude(inputs, target.inputs()));
    target.scale(row) = scale.step;
    const auto place = target.row(row);
    const auto inverse = hn::Set(tag<float>(), scale.inverse);
    for_each_block<64>(inputs, target.inputs(), [&](std::size_t block, const float* piece) OFFRAMP_ATTR {
      quantize_block(piece, inverse, place.block(block));
    });
#if OFFRAMP_HAS_PAIR_PRODUCTS
    prepare_for_unsigned_weights<Products>(row, target);
#endif
  }
}

/// The sum over a row of what term(values, sum so far) adds: two sums over whole vectors in turn, then what is left.
template <class Term>
HWY_INLINE float sum_of_terms(const float* row, std::size_t size, const Term& term) {
  const tag<float> d;
  const std::size_t n = lanes();
  auto first = hn::Zero(d);
  auto second = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 2 * n <= size; i += 2 * n) {
    first = term(hn::LoadU(d, row + i), first);
    second = term(hn::LoadU(d, row + i + n), second);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, first + second));
  for (; i < size; ++i) {
    sum = hn::GetLane(term(hn::Set(d, row[i]), hn::Set(d, sum)));
  }
  return sum;
}

inline void normalize(const layer_norm& norm, float* rows, std::size_t count) {
  const tag<float> d;
  const std::size_t size = norm.scale.size();
  const auto scale_and_shift = [&](auto x, auto mean, auto inverse, auto scale, auto shift)
                                   OFFRAMP_ATTR { return hn::MulAdd((x - mean) * inverse, scale, shift); };
  for (float* row = rows; row != rows + count * size; row += size) {
    const float sum = sum_of_terms(row, size, [](auto x, auto so_far) OFFRAMP_ATTR { return so_far + x; });
    const float average = sum / static_cast<float>(size);
    const auto mean = hn::Set(d, average);
    const float squares = sum_of_terms(row, size, [&](auto x, auto so_far) OFFRAMP_ATTR {
      const auto difference = x - mean;
      return hn::MulAdd(difference, difference, so_far);
    });
    const float deviation = std::sqrt(squares / static_cast<float>(size) + norm.epsilon);
    // An infinite deviation would turn every finite number into 0.
    const auto inverse =
        hn::Set(d, std::isfinite(squares) ? 1.0F / deviation : std::numeric_limits<float>::quiet_NaN());
    std::size_t i = 0;
    for (; i + lanes() <= size; i += lanes()) {
      const auto y = scale_and_shift(hn::LoadU(d, row + i), mean, inverse, hn::LoadU(d, norm.scale.data() + i),
                                     hn::LoadU(d, norm.shift.data() + i));
      hn::StoreU(y, d, row + i);
    }
    for (; i < size; ++i) {
      row[i] = hn::GetLane(
          scale_and_shift(hn::Set(d, row[i]), mean, inverse, hn::Set(d, norm.scale[i]), hn::Set(d, norm.shift[i])));
    }
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
