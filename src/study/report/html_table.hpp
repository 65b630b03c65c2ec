// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "svg.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// A table whose first column holds names and whose other columns hold numbers.
class html_table {
 public:
  /// The caption says to readers of every kind what the table shows.
  html_table(std::string_view caption, const std::vector<std::string>& columns) {
    markup_ = "<div class=\"scroll\"><table><caption>" + escape_markup(caption) + "</caption><thead><tr>";
    for (std::size_t i = 0; i < columns.size(); ++i) {
      markup_ +=
          (i == 0 ? "<th scope=\"col\" class=\"name\">" : "<th scope=\"col\">") + escape_markup(columns[i]) + "</th>";
    }
    markup_ += "</tr></thead><tbody>\n";
  }

  /// Cells as text; `letter` in front of the first, where there is one.
  void add(const std::vector<std::string>& cells, std::string_view letter = {}) {
    markup_ += "<tr>";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool is_marked = i == 0 && !letter.empty();
      markup_ += is_marked ? "<td class=\"name marked\">" : i == 0 ? "<td class=\"name\">" : "<td>";
      if (is_marked) {
        markup_ += "<span class=\"letter\">" + escape_markup(letter) + "</span>";
      }
      markup_ += with_small_part(cells[i]) + "</td>";
    }
    markup_ += "</tr>\n";
  }

  [[nodiscard]] std::string finish() const { return markup_ + "</tbody></table></div>\n"; }

 private:
  /// What follows a line end is set small, below.
  [[nodiscard]] static std::string with_small_part(std::string_view cell) {
    const std::size_t end = cell.find('\n');
    if (end == std::string_view::npos) {
      return escape_markup(cell);
    }
    return escape_markup(cell.substr(0, end)) + "<br><small>" + escape_markup(cell.substr(end + 1)) + "</small>";
  }

  std::string markup_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
