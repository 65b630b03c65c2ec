// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/files.hpp>
#include <offramp/model/sha256_blocks.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// SHA-256 (FIPS 180-4) of bytes that come in pieces.
class sha256 {
 public:
  void update(std::span<const std::byte> bytes) {
    size_ += bytes.size();
    if (filled_ != 0) {
      const std::size_t count = std::min(bytes.size(), block_.size() - filled_);
      std::copy_n(bytes.begin(), count, block_.begin() + static_cast<std::ptrdiff_t>(filled_));
      filled_ += count;
      bytes = bytes.subspan(count);
      if (filled_ != block_.size()) {
        return;
      }
      compress_(state_, block_.data(), 1);
    }
    const std::size_t whole = bytes.size() / block_.size();
    compress_(state_, bytes.data(), whole);
    bytes = bytes.subspan(whole * block_.size());
    std::ranges::copy(bytes, block_.begin());
    filled_ = bytes.size();
  }

  /// The digest as 64 lower-case hexadecimal digits. Ends the message: call it once.
  [[nodiscard]] std::string finish() {
    const std::uint64_t bits = size_ * 8;
    constexpr std::array<std::byte, 64> padding{std::byte{0x80}};
    const std::size_t end = block_.size() - sizeof bits;
    update(std::span(padding).first(filled_ < end ? end - filled_ : end + block_.size() - filled_));
    std::array<std::byte, sizeof bits> length{};
    for (std::size_t i = 0; i < length.size(); ++i) {
      length[i] = static_cast<std::byte>(bits >> (56 - 8 * i));
    }
    update(length);

    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const std::uint32_t word : state_) {
      for (int shift = 28; shift >= 0; shift -= 4) {
        hex += digits[(word >> shift) & 15U];
      }
    }
    return hex;
  }

 private:
  sha256_blocks::state state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                              0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  sha256_blocks::compression compress_ = sha256_blocks::choose();
  std::array<std::byte, sha256_blocks::block_bytes> block_{};
  std::size_t filled_ = 0;
  std::uint64_t size_ = 0;
};

[[nodiscard]] inline std::string sha256_hex(std::string_view content) {
  sha256 digest;
  digest.update(std::as_bytes(std::span(content)));
  return digest.finish();
}

/// Of the whole file, read in pieces. Throws `io`.
[[nodiscard]] inline std::string sha256_hex(const file& source) {
  sha256 digest;
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(source.size(), 1U << 18)));
  for (std::uint64_t offset = 0; offset < source.size();) {
    const std::uint64_t left = source.size() - offset;
    const auto piece = std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size())));
    source.read(offset, piece);
    digest.update(piece);
    offset += piece.size();
  }
  return digest.finish();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
