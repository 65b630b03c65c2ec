// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/ascii.hpp>
#include <offramp/error.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// As many bytes of a file as tell whether something else was stored in its place.
inline constexpr std::size_t placeholder_head = 256;

/// Throws `bad_model` for a file that is a Git LFS pointer, or a web page that a download saved under its name.
/// `head`: how it starts.
inline void refuse_placeholder(const std::string& name, std::string_view head) {
  if (head.starts_with("version https://git-lfs.github.com/spec/")) {
    throw error(error_kind::bad_model, name +
                                           ": is a Git LFS pointer, not the file that it stands for, which "
                                           "`git lfs pull` in its repository fetches");
  }
  head.remove_prefix(std::min(head.find_first_not_of(" \t\r\n"), head.size()));
  const auto starts_with = [&](std::string_view tag) {  // in any case
    return head.size() >= tag.size() && std::equal(tag.begin(), tag.end(), head.begin(), [&](char a, char b) {
             return a == offramp::detail::ascii_lowercase(b);
           });
  };
  if (starts_with("<!doctype html") || starts_with("<html")) {
    throw error(error_kind::bad_model, name + ": is an HTML page, as a failed download leaves in the place of a file");
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
