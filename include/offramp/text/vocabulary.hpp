// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// The pieces of a vocabulary. Ids may have holes.
class vocabulary {
 public:
  /// Highest id that a vocabulary may hold; the largest BERT vocabularies have half a million pieces.
  static constexpr std::int32_t max_id = (1 << 20) - 1;

  /// `id` is within [0, max_id]. A piece inserted twice keeps its latest id, an id inserted twice its latest piece.
  void insert(const std::string& piece, std::int32_t id) {
    const auto index = static_cast<std::size_t>(id);
    if (pieces_.size() <= index) {
      pieces_.resize(index + 1);
    }
    pieces_[index] = piece;
    ids_[piece] = id;
  }

  [[nodiscard]] std::optional<std::int32_t> find(const std::string& piece) const {
    const auto found = ids_.find(piece);
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
  }

  [[nodiscard]] const std::unordered_map<std::string, std::int32_t>& ids() const noexcept { return ids_; }

  /// Pieces by id; nothing where an id is not used.
  [[nodiscard]] const std::vector<std::optional<std::string>>& pieces() const noexcept { return pieces_; }

 private:
  std::unordered_map<std::string, std::int32_t> ids_;
  std::vector<std::optional<std::string>> pieces_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
