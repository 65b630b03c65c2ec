// SPDX-License-Identifier: Apache-2.0
// y = f(W x + b) for many rows: tiles over panels, with the epilogue while a tile is still in the first-level cache.
#if defined(OFFRAMP_KERNELS_MULTIPLY_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef OFFRAMP_KERNELS_MULTIPLY_INL
#undef OFFRAMP_KERNELS_MULTIPLY_INL
#else
#define OFFRAMP_KERNELS_MULTIPLY_INL
#endif

#include "activation-inl.hpp"
#include "tile-inl.hpp"

#include <algorithm>

#include "begin_target-inl.hpp"
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {

/// Packed rows, or weights of a panel that several tiles meet, beyond this are multiplied piece by piece along their
/// inputs. CPUs without AVX-512 have smaller second-level caches.
#if HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3
inline constexpr std::size_t most_row_bytes = 160U << 10U;
inline constexpr std::size_t most_panel_bytes = 64U << 10U;
#else
inline constexpr std::size_t most_row_bytes = 640U << 10U;
inline constexpr std::size_t most_panel_bytes = 1U << 30U;  // not split
#endif
/// A single tile passes each weight once, so the next panel is not what to fetch but the weights that far ahead. AMD's
/// hardware does that better by itself: on Zen 4 our fetching took a third of the bandwidth away.
inline constexpr std::size_t units_ahead = 256;
inline bool fetches_ahead(weight_prefetch wanted) {
#if HWY_ARCH_X86
  return wanted == weight_prefetch::always || __builtin_cpu_is("amd") == 0;
#else
  (void)wanted;
  return true;
#endif
}

/// Cache lines fetched with one block: about what memory delivers while a tall tile multiplies it.
inline constexpr std::size_t most_lines_at_once = 40;

/// One call of multiply, with what all of its tiles share. `Tiles` has multiply(height, operands, sums, stride, begin),
/// which adds the products of a tile's rows with one panel to its sums. What its sums still need then is done while the
/// next tile is multiplied, where Tiles::works_meanwhile says that vector instructions have time for it.
template <class Products, class Tiles>
class product {
 public:
  product(Tiles& tiles, const packed_rows& rows, const linear& weights, index_range panels,
          const product_target& target)
      : tiles_(tiles), rows_(rows), weights_(weights), panels_(panels), target_(target) {}

  void run() {
    for (std::size_t first = 0; first < rows_.rows(); first += rows_.rows_of_group()) {
      const row_tiles tiles = row_tiles::of<Products>(first, std::min(rows_.rows_of_group(), rows_.rows() - first));
      group_ = rows_.row(first);
      const std::size_t passes = num_passes(tiles);
      for (std::size_t pass = 0; pass < passes; ++pass) {
        const index_range blocks{rows_.blocks() * pass / passes, rows_.blocks() * (pass + 1) / passes};
        for (std::size_t panel = panels_.first; panel < panels_.last; ++panel) {
          multiply_panel(tiles, panel, blocks);
        }
      }
      finish_rows(unfinished_.at.height);
    }
  }

 private:
  using value = typename Products::value;
  static constexpr bool sums_are_outputs = std::is_same_v<value, float>;
  static constexpr std::size_t block_weight_units = Products::four_units * layout::block_units / 4;
  /// Sums of int8 products: those of a tile, or of a group where they wait for the next blocks or the next tile.
  static constexpr std::size_t rows_of_sums =
      Products::blocks_at_once == all_blocks ? std::size_t{Products::tallest} : packed_rows::most_rows_of_group;

  /// A tile of outputs: `height` rows `stride` apart, whose first column is output `column`.
  struct place {
    float* rows = nullptr;
    std::size_t stride = 0;
    std::size_t height = 0;
    std::size_t column = 0;
  };

  /// A tile whose products are summed, but for the epilogue of the rows from `next` on.
  struct summed_tile {
    place at = {};
    const std::int32_t* sums = nullptr;  // in int8
    std::size_t first_row = 0;
    std::size_t next = 0;
    std::size_t rows_at_once = 0;
  };

  void multiply_panel(const row_tiles& tiles, std::size_t panel, index_range blocks) {
    for (std::size_t first = blocks.first; first < blocks.last;) {
      const std::size_t last = first + std::min(blocks.last - first, Products::blocks_at_once);
      const prefetch ahead = what_comes_next(tiles, panel, {first, last});
      for (std::size_t tile = 0; tile < tiles.count; ++tile) {
        multiply_one(tiles, tile, panel, {first, last}, ahead);
      }
      first = last;
    }
  }

  /// Only float sums can wait in the outputs for the next pass; int8 rows are short enough for one.
  [[nodiscard]] std::size_t num_passes(const row_tiles& tiles) const {
    if (!sums_are_outputs) {
      return 1;
    }
    const std::size_t row_bytes = tiles.rows * rows_.blocks() * layout::block_units * sizeof(std::uint32_t);
    const std::size_t panel_bytes =
        tiles.count == 1 ? 0 : rows_.blocks() * block_weight_units * width() * sizeof(std::uint32_t);
    return std::max<std::size_t>(
        {1, layout::ceil_divide(row_bytes, most_row_bytes), layout::ceil_divide(panel_bytes, most_panel_bytes)});
  }

  [[nodiscard]] static constexpr std::size_t width() { return panel_width<Products>(); }

  [[nodiscard]] const std::uint32_t* weights(std::size_t panel, std::size_t block) const {
    return weights_.panel(panel) + block * block_weight_units * width();
  }

  /// The weights to fetch with each block of a panel's first tile; those of the next tile follow them.
  [[nodiscard]] prefetch what_comes_next(const row_tiles& tiles, std::size_t panel, index_range blocks) const {
    if (target_.prefetch == weight_prefetch::never) {
      return {};
    }
    const std::size_t num_blocks = blocks.last - blocks.first;
    const std::size_t block_lines = block_weight_units * width() / layout::block_units;
    const bool is_last_panel = panel + 1 == panels_.last;
    if (is_last_panel && blocks.last == rows_.blocks()) {
      const std::size_t lines = target_.next.size() / layout::block_units;
      return {target_.next.data(), std::min(layout::ceil_divide(lines, tiles.count * num_blocks), most_lines_at_once)};
    }
    if (tiles.count == 1) {
      return fetches_ahead(target_.prefetch)
                 ? prefetch{weights(panel, blocks.first) + units_ahead * width(), block_lines}
                 : prefetch{};
    }
    const std::size_t share = layout::ceil_divide(block_lines, tiles.count);
    if (is_last_panel) {  // its own next blocks, or the next pass
      return {weights(Products::blocks_at_once == all_blocks ? panels_.first : panel, blocks.last), share};
    }
    return {weights(panel + 1, blocks.first), share};
  }

  void multiply_one(const row_tiles& tiles, std::size_t tile, std::size_t panel, index_range blocks,
                    const prefetch& ahead) {
    const std::size_t column = panel * width();
    const std::size_t begin = tiles.begin(tile);
    const place at{target_.rows + begin * target_.stride + column - panels_.first * width(), target_.stride,
                   tiles.height(tile), column};
    const std::size_t num_blocks = blocks.last - blocks.first;
    tile_operands parts{.rows = group_.block(blocks.first) + (begin - tiles.first) * layout::block_units,
                        .block_stride = group_.block_stride,
                        .weights = weights(panel, blocks.first),
                        .blocks = num_blocks,
                        .ahead = {ahead.from + tile * num_blocks * ahead.lines * layout::block_units, ahead.lines}};
    parts.meanwhile = begin_meanwhile(parts.blocks);
    const bool is_first = blocks.first == 0;
    const bool is_last = blocks.last == rows_.blocks();
    if constexpr (sums_are_outputs) {
      with_whole_panel(at, [&](const place& outputs) {
        if (is_first) {
          begin_with_bias(outputs);
        }
        tiles_.multiply(at.height, parts, reinterpret_cast<value*>(outputs.rows), outputs.stride,
                        sums_begin::in_memory);
        if (is_last) {
          finish({.at = outputs});
        }
      });
    } else {
      std::int32_t* sums = sums_ + slot(tiles, tile, panel) * width();
      tiles_.multiply(at.height, parts, sums, width(), is_first ? sums_begin::at_zero : sums_begin::in_memory);
      if constexpr (Products::puts_excess_aside) {
        static_assert(Products::blocks_at_once == all_blocks);
        for (std::size_t row = 0; row < at.height; ++row) {
          add_excess<Products>(rows_.excess(begin + row), parts.weights, sums + row * width());
        }
      }
      if (is_last) {
        with_whole_panel(
            at, [&](const place& outputs) { finish({.at = outputs, .sums = sums, .first_row = tiles.begin(tile)}); });
      }
    }
  }

  /// Calls body(place) with a place as wide as a panel, for outputs that may end within one a copy of them.
  template <class Body>
  void with_whole_panel(const place& at, const Body& body) {
    if (at.column + width() <= weights_.outputs()) {
      body(at);
      return;
    }
    const std::size_t valid = weights_.outputs() - at.column;
    const place copy{edge_, width(), at.height, at.column};
    copy_columns(at, copy, valid);
    body(copy);
    finish_rows(at.height);
    copy_columns(copy, at, valid);
  }

  /// Where the sums of an int8 tile are, in rows: not where those of the tile before it wait for their epilogue.
  [[nodiscard]] static std::size_t slot(const row_tiles& tiles, std::size_t tile, std::size_t panel) {
    constexpr std::size_t tallest = Products::tallest;
    if constexpr (rows_of_sums < 2 * tallest) {
      return 0;
    } else {
      return tiles.count == 1 ? panel % 2 * tallest : tiles.begin(tile) - tiles.first;
    }
  }

  /// What is left to do of the last tile, in so many steps.
  [[nodiscard]] work_meanwhile begin_meanwhile(std::size_t steps) {
    if (unfinished_.next == unfinished_.at.height) {
      return {};
    }
    unfinished_.rows_at_once = layout::ceil_divide(unfinished_.at.height, steps);
    return {[](void* work) OFFRAMP_ATTR {
              auto* const self = static_cast<product*>(work);
              self->finish_rows(self->unfinished_.rows_at_once);
            },
            this};
  }

  void finish(const summed_tile& tile) {
    unfinished_ = tile;
    if (!Tiles::works_meanwhile || (sums_are_outputs && !activates(target_.finish))) {
      finish_rows(tile.at.height);
    }
  }

  /// The epilogue of at most `most` of the rows that still need it.
  void finish_rows(std::size_t most) {
    const std::size_t count = std::min(most, unfinished_.at.height - unfinished_.next);
    if (count == 0) {
      return;
    }
    float* const rows = unfinished_.at.rows + unfinished_.next * unfinished_.at.stride;
    if constexpr (!sums_are_outputs) {
      scale_sums(rows, count);
    } else if (activates(target_.finish)) {
      activate(target_.finish, rows, count, width(), unfinished_.at.stride);
    }
    unfinished_.next += count;
  }

  static void copy_columns(const place& from, const place& to, std::size_t columns) {
    for (std::size_t row = 0; row < from.height; ++row) {
      std::copy_n(from.rows + row * from.stride, columns, to.rows + row * to.stride);
    }
  }

  void begin_with_bias(const place& at) const {
    const tag<float> d;
    const bool adds = target_.finish == epilogue::add;
    for (std::size_t part = 0; part < width(); part += lanes()) {
      const auto bias = hn::Load(d, weights_.bias() + at.column + part);
      for (std::size_t row = 0; row < at.height; ++row) {
        float* outputs = at.rows + row * at.stride + part;
        hn::StoreU(adds ? bias + hn::LoadU(d, outputs) : bias, d, outputs);
      }
    }
  }

  /// outputs = function(int32 sum * scale of the row * scale of the output + bias), for the next `count` rows of the
  /// unfinished tile. Of the sums what the offsets of rows or weights added to them is taken away first.
  void scale_sums(float* outputs, std::size_t count) const {
    const tag<float> d;
    const tag<std::int32_t> di;
    const std::size_t column = unfinished_.at.column;
    const std::size_t stride = unfinished_.at.stride;
    const std::int32_t* sums = unfinished_.sums + unfinished_.next * width();
    const std::size_t first_row = unfinished_.first_row + unfinished_.next;
    const bool adds = target_.finish == epilogue::add;
    with_activation(target_.finish, [&](auto function) OFFRAMP_ATTR {
      for (std::size_t part = 0; part < width(); part += lanes()) {
        const auto bias = hn::Load(d, weights_.bias() + column + part);
        const auto scale = hn::Load(d, weights_.scales() + column + part);
        const auto offset = hn::Load(di, weights_.sums() + column + part) * hn::Set(di, Products::row_offset);
        for (std::size_t row = 0; row < count; ++row) {
          float* const output = outputs + row * stride + part;
          auto products = hn::Load(di, sums + row * width() + part) - offset;
          if constexpr (Products::weight_offset != 0) {
            products = products - hn::Set(di, rows_.sum(first_row + row)) * hn::Set(di, Products::weight_offset);
          }
          const auto sum = hn::ConvertTo(d, products);
          const auto factor = scale * hn::Set(d, rows_.scale(first_row + row));
          const auto start = adds ? bias + hn::LoadU(d, output) : bias;
          hn::StoreU(function(hn::MulAdd(sum, factor, start)), d, output);
        }
      }
    });
  }

  Tiles& tiles_;
  const packed_rows& rows_;
  const linear& weights_;
  index_range panels_;
  product_target target_;
  packed_rows::place<const std::uint32_t> group_ = {};
  summed_tile unfinished_;
  HWY_ALIGN float edge_[static_cast<std::size_t>(Products::tallest) * panel_width<Products>()];
  HWY_ALIGN std::int32_t sums_[rows_of_sums * panel_width<Products>()];
};

template <class Products>
void multiply(const packed_rows& rows, const linear& weights, index_range panels, const product_target& target) {
  vector_tiles<Products> tiles;
  product<Products, vector_tiles<Products>>(tiles, rows, weights, panels, target).run();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
