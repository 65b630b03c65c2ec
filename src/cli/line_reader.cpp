// SPDX-License-Identifier: Apache-2.0
#include "line_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace offramp_cli {

line_reader::line_reader(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}

std::optional<std::string> line_reader::next() {
  std::size_t end = find_line_end();
  while (end == std::string::npos && read_more()) {
    end = find_line_end();
  }
  if (end == std::string::npos) {
    if (start_ == buffer_.size()) {
      return std::nullopt;
    }
    return buffer_.substr(std::exchange(start_, buffer_.size()));
  }
  std::string line = buffer_.substr(start_, end - start_);
  start_ = searched_ = end + 1;
  if (line.ends_with('\r')) {
    line.pop_back();
  }
  return line;
}

bool line_reader::has_arrived() {
  while (find_line_end() == std::string::npos && !ended_) {
    if (!is_readable(waiting::no)) {
      return false;
    }
    read_more();
  }
  return true;
}

/// Where the '\n' of the next line is, npos when it has not arrived.
std::size_t line_reader::find_line_end() {
  const std::size_t end = buffer_.find('\n', std::max(start_, searched_));
  searched_ = end == std::string::npos ? buffer_.size() : end;
  return end;
}

/// Waits for more bytes. Returns false at the end of the file.
bool line_reader::read_more() {
  constexpr std::size_t block = std::size_t{1} << 16;
  if (ended_) {
    return false;
  }
  buffer_.erase(0, start_);
  searched_ -= start_;
  start_ = 0;
  const std::size_t size = buffer_.size();
  buffer_.resize(size + block);
  ssize_t count = read(descriptor_, buffer_.data() + size, block);
  while (count < 0) {
    const int problem = errno;
    if (problem == EAGAIN || problem == EWOULDBLOCK) {
      static_cast<void>(is_readable(waiting::yes));
    } else if (problem != EINTR) {
      buffer_.resize(size);
      fail(problem);
    }
    count = read(descriptor_, buffer_.data() + size, block);
  }
  buffer_.resize(size + static_cast<std::size_t>(count));
  ended_ = count == 0;
  return !ended_;
}

/// Whether read(2) would return at once, be it with an end or an error.
bool line_reader::is_readable(waiting wait) const {
  constexpr int forever = -1;
  pollfd file{descriptor_, POLLIN, 0};
  int count = poll(&file, 1, wait == waiting::yes ? forever : 0);
  while (count < 0 && errno == EINTR) {
    count = poll(&file, 1, wait == waiting::yes ? forever : 0);
  }
  return count != 0;
}

void line_reader::fail(int problem) const {
  throw std::runtime_error(name_ + ": cannot be read: " + std::strerror(problem));
}

}  // namespace offramp_cli
