// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/files.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The whole of a data file. Throws `io`.
[[nodiscard]] inline std::string read_data(const std::filesystem::path& path) {
  constexpr std::uint64_t size_limit = std::uint64_t{1} << 36U;
  return model::file(path).read_all(size_limit);
}

/// Calls `visit(line, number)`, numbers from 1. A line ends at `\n`, which is not part of it, nor is one `\r` before.
template <class Visit>
void for_each_line(std::string_view content, const Visit& visit) {
  std::size_t number = 0;
  while (!content.empty()) {
    const std::size_t end = content.find('\n');
    std::string_view line = content.substr(0, end);
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    if (end != std::string_view::npos && line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    visit(line, ++number);
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
