// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Throws `bad_data` for the beginnings of files that hold no plain UTF-8.
inline void refuse_other_content(std::string_view content, const std::string& name) {
  struct beginning {
    std::string_view bytes;
    const char* what;
  };
  using namespace std::string_view_literals;
  constexpr std::array beginnings{
      beginning{"\x1F\x8B"sv, "is compressed by gzip, expected the plain file: gunzip makes it"},
      beginning{"\xFF\xFE"sv, "is UTF-16, expected UTF-8: iconv -f UTF-16 -t UTF-8 makes it"},
      beginning{"\xFE\xFF"sv, "is UTF-16, expected UTF-8: iconv -f UTF-16 -t UTF-8 makes it"},
      beginning{"\xEF\xBB\xBF"sv,
                "begins with a byte order mark, which would be read as a part of the first label or text: expected "
                "UTF-8 without one"},
      beginning{"PK\x03\x04"sv, "is a zip archive, expected a plain file"},
      beginning{"PAR1"sv,
                "is a Parquet file, expected lines, JSON Lines or CSV: pandas.read_parquet(F).to_csv(G) "
                "makes the last"}};
  for (const beginning& one : beginnings) {
    if (content.starts_with(one.bytes)) {
      throw error(error_kind::bad_data, name + ": " + one.what);
    }
  }
}

/// The whole of a data file. Throws `io`, and `bad_data` for what is no plain UTF-8 file.
[[nodiscard]] inline std::string read_data(const std::filesystem::path& path) {
  constexpr std::uint64_t size_limit = std::uint64_t{1} << 36U;
  std::string content = model::file(path).read_all(size_limit);
  refuse_other_content(content, path.string());
  return content;
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
