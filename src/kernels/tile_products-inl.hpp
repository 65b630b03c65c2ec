// SPDX-License-Identifier: Apache-2.0
// Products by a tile engine, in the place of tiles of vector registers.
#if defined(OFFRAMP_KERNELS_TILE_PRODUCTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef OFFRAMP_KERNELS_TILE_PRODUCTS_INL
#undef OFFRAMP_KERNELS_TILE_PRODUCTS_INL
#else
#define OFFRAMP_KERNELS_TILE_PRODUCTS_INL
#endif

#include "amx.hpp"
#include "int8_products-inl.hpp"
#include "multiply-inl.hpp"

#include <type_traits>

#include "begin_target-inl.hpp"
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {

#if OFFRAMP_HAS_DOT_PRODUCTS

template <class Value>
struct tile_products {
  using value = Value;
  static constexpr int vectors = 2;
  static constexpr int tallest = static_cast<int>(most_tile_rows);
  // A second tile would read the weights again, and each alone would wait for its own sums.
  static constexpr int tallest_alone = tallest;
  static constexpr std::size_t four_units = 4;
  // In int8 32 KB of weights, which stay in the first-level cache for all tiles: both operands of a tile from the
  // second level would be more than it delivers. Float sums would wait far apart, in the outputs, which takes longer
  // than that.
  static constexpr std::size_t blocks_at_once = std::is_same_v<Value, float> ? all_blocks : 16;
  static constexpr int row_offset = int8_products::row_offset;
  static constexpr int weight_offset = int8_products::weight_offset;
  static constexpr bool puts_excess_aside = int8_products::puts_excess_aside;
  static_assert(vectors * lanes() == tile_outputs && row_offset == 128);  // the engine's bytes of rows are unsigned
};

/// The tile registers of this thread for as long as the object lives. They belong to one call of multiply: the next may
/// come from another thread, which has its own, and a thread that goes back to its owner must not carry 8 KB of ours
/// through every change of context. Setting them up takes about as long as a few blocks, so it is done anew only where
/// the height changes.
class configured_tiles {
 public:
  explicit configured_tiles(const tile_engine& engine) : engine_(engine) {}
  configured_tiles(const configured_tiles&) = delete;
  configured_tiles& operator=(const configured_tiles&) = delete;
  ~configured_tiles() { engine_.release(); }

  /// The engine, for products of so many rows.
  const tile_engine& configure(std::size_t height) {
    if (height != configured_) {
      engine_.configure(height);
      configured_ = height;
    }
    return engine_;
  }

 private:
  const tile_engine& engine_;
  std::size_t configured_ = 0;
};

/// A product's tiles by an engine.
template <class Value>
class engine_tiles : configured_tiles {
 public:
  using configured_tiles::configured_tiles;

  static constexpr bool works_meanwhile = true;

  void multiply(std::size_t height, const tile_operands& operands, Value* sums, std::size_t stride, sums_begin begin) {
    const tile_engine& engine = configure(height);
    if constexpr (std::is_same_v<Value, float>) {
      engine.multiply_bfloat16(height, operands, sums, stride, begin);
    } else {
      engine.multiply_int8(height, operands, sums, stride, begin);
    }
  }
};

template <class Value>
void multiply_on(const tile_engine& engine, const packed_rows& rows, const linear& weights, index_range panels,
                 const product_target& target) {
  engine_tiles<Value> tiles(engine);
  product<tile_products<Value>, engine_tiles<Value>>(tiles, rows, weights, panels, target).run();
}

inline void multiply_int8_by_tiles(const tile_engine& engine, const packed_rows& rows, const linear& weights,
                                   index_range panels, const product_target& target) {
  if (rows.rows() <= most_register_rows) {
    multiply<int8_products>(rows, weights, panels, target);
  } else {
    multiply_on<std::int32_t>(engine, rows, weights, panels, target);
  }
}

/// By tiles for every number of rows: the vector instruction rounds otherwise.
inline void multiply_bfloat16_by_tiles(const tile_engine& engine, const packed_rows& rows, const linear& weights,
                                       index_range panels, const product_target& target) {
  multiply_on<float>(engine, rows, weights, panels, target);
}

inline void multiply_int8_by_amx(const packed_rows& rows, const linear& weights, index_range panels,
                                 const product_target& target) {
  multiply_int8_by_tiles(*amx_tiles(), rows, weights, panels, target);
}

inline void multiply_bfloat16_by_amx(const packed_rows& rows, const linear& weights, index_range panels,
                                     const product_target& target) {
  multiply_bfloat16_by_tiles(*amx_tiles(), rows, weights, panels, target);
}

#endif

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
