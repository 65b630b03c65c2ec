// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/interruption.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Counts tokens, keeps the first ones, and says when no more are of interest.
class token_sink {
 public:
  /// Keeps the first `kept` ids in `memory`, whose content goes, and is full at `limit` and 1 of them. `stop`, which
  /// may be null, is asked by `interrupted`.
  token_sink(std::vector<std::int32_t>& memory, std::size_t kept, std::size_t limit, const detail::interruption* stop)
      : ids_(memory), kept_(kept), limit_(limit), stop_(stop) {
    ids_.clear();
  }

  /// Returns whether more tokens are wanted.
  bool push(std::int32_t id) {
    if (count_ < kept_) {
      ids_.push_back(id);
    }
    ++count_;
    return count_ <= limit_;
  }

  /// Whether whoever reads a text shall stop, as is to be asked every few thousand bytes. Says so ever after.
  [[nodiscard]] bool interrupted() {
    interrupted_ = interrupted_ || (stop_ != nullptr && stop_->requested());
    return interrupted_;
  }

  [[nodiscard]] bool wants_more() const noexcept { return count_ <= limit_ && !interrupted_; }
  [[nodiscard]] bool was_interrupted() const noexcept { return interrupted_; }

  [[nodiscard]] const std::vector<std::int32_t>& ids() const noexcept { return ids_; }

  /// Tokens seen, at most the limit and 1.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  std::vector<std::int32_t>& ids_;
  std::size_t kept_;
  std::size_t limit_;
  const detail::interruption* stop_;
  std::size_t count_ = 0;
  bool interrupted_ = false;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
