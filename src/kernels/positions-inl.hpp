// SPDX-License-Identifier: Apache-2.0
// What relative positions add to the scores of a head: products with as many places as its texts reach, which are then
// spread over queries and keys.
#if defined(OFFRAMP_KERNELS_POSITIONS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef OFFRAMP_KERNELS_POSITIONS_INL
#undef OFFRAMP_KERNELS_POSITIONS_INL
#else
#define OFFRAMP_KERNELS_POSITIONS_INL
#endif

#include "tile-inl.hpp"

#include <offramp/nn/kernels.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "begin_target-inl.hpp"
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {

/// For the queries `queries` of a head, whose scores [queries, stride] it adds to.
class position_products {
 public:
  position_products(const attention_head& head, index_range queries, aligned_vector<float>& scratch)
      : head_(head),
        queries_(queries),
        scratch_(scratch),
        width_(panel_width<float32_products>()),
        size_blocks_(layout::ceil_divide(head.size, layout::block_units)) {}

  /// `packed`: the scaled queries.
  void add_of_queries(const packed_rows& packed, float* scores, std::size_t stride) const {
    const linear& keys = head_.positions->keys;
    const std::size_t count = queries_.last - queries_.first;
    const row_tiles rows = row_tiles::of<float32_products>(0, keys.outputs() == 0 ? 0 : count);
    for (std::size_t tile = 0; tile < rows.count && rows.rows != 0; ++tile) {
      const std::size_t height = rows.height(tile);
      const std::size_t first = queries_.first + rows.begin(tile);
      const std::size_t first_panel = *place_of_key(0, first + height - 1) / width_;
      const std::size_t panels = *place_of_key(head_.tokens - 1, first) / width_ + 1 - first_panel;
      grow(scratch_, height * panels * width_);
      for (std::size_t panel = 0; panel < panels; ++panel) {
        const tile_operands parts{packed.row(rows.begin(tile)).units,
                                  count * layout::block_units,
                                  keys.panel(first_panel + panel),
                                  size_blocks_,
                                  {}};
        multiply(height, parts, scratch_.data() + panel * width_, panels * width_);
      }
      for (std::size_t row = 0; row < height; ++row) {
        add_by_place(scratch_.data() + row * panels * width_, first_panel * width_, first + row,
                     scores + (rows.begin(tile) + row) * stride);
      }
    }
  }

  /// `packed`: the keys, as the weights of the products with queries.
  void add_of_keys(const std::uint32_t* packed, float* scores, std::size_t stride) const {
    const position_rows& places = head_.positions->queries;
    for (std::size_t first = 0; first < head_.tokens && !places.empty(); first += width_) {
      const std::size_t keys = std::min(width_, head_.tokens - first);
      const std::size_t lowest = *place_of_query(queries_.first, first + keys - 1);
      const row_tiles rows =
          row_tiles::of<float32_products>(lowest, *place_of_query(queries_.last - 1, first) + 1 - lowest);
      grow(scratch_, rows.rows * width_);
      for (std::size_t tile = 0; tile < rows.count; ++tile) {
        const tile_operands parts{reinterpret_cast<const std::uint32_t*>(places.row(rows.begin(tile))),
                                  places.block_stride(),
                                  packed + first * panel_inputs(),
                                  size_blocks_,
                                  {}};
        multiply(rows.height(tile), parts, scratch_.data() + (rows.begin(tile) - lowest) * width_, width_);
      }
      for (std::size_t query = queries_.first; query < queries_.last; ++query) {
        const std::uint32_t* place = place_of_query(query, first);
        float* sums = scores + (query - queries_.first) * stride + first;
        for (std::size_t key = 0; key < keys; ++key, --place) {
          sums[key] += scratch_[(*place - lowest) * width_ + key];
        }
      }
    }
  }

 private:
  /// The place of the distance from a query to a key; that of the next key follows.
  [[nodiscard]] const std::uint32_t* place_of_key(std::size_t key, std::size_t query) const {
    return head_.places->of_distances() + key - query;
  }
  /// The place of the distance from a key to a query; that of the next key stands before.
  [[nodiscard]] const std::uint32_t* place_of_query(std::size_t query, std::size_t key) const {
    return head_.places->of_distances() + query - key;
  }

  [[nodiscard]] std::size_t panel_inputs() const { return size_blocks_ * layout::block_units; }

  static void multiply(std::size_t height, const tile_operands& parts, float* sums, std::size_t stride) {
    vector_tiles<float32_products>().multiply(height, parts, sums, stride, sums_begin::at_zero);
  }

  /// Adds to the scores of one query its products with the places from `first` on.
  void add_by_place(const float* products, std::size_t first, std::size_t query, float* scores) const {
    const std::uint32_t* places = place_of_key(0, query);
    const auto exact = static_cast<std::size_t>(head_.places->exact());
    const std::size_t begin = query - std::min(query, exact);
    const std::size_t end = std::min(head_.tokens, query + exact + 1);
    std::size_t key = 0;
    for (; key < begin; ++key) {
      scores[key] += products[places[key] - first];
    }
    const float* following = products + (places[begin] - first);
    for (; key + lanes() <= end; key += lanes()) {
      const auto sum = hn::LoadU(tag<float>(), scores + key) + hn::LoadU(tag<float>(), following + (key - begin));
      hn::StoreU(sum, tag<float>(), scores + key);
    }
    for (; key < head_.tokens; ++key) {
      scores[key] += products[places[key] - first];
    }
  }

  const attention_head& head_;
  index_range queries_;
  aligned_vector<float>& scratch_;
  std::size_t width_;
  std::size_t size_blocks_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
