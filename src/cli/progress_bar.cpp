// SPDX-License-Identifier: Apache-2.0
#include "progress_bar.hpp"

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <iostream>

namespace offramp_cli {

namespace {

std::string clock_time(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  char text[32];
  std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  return text;
}

}  // namespace

offramp::study::progress progress_bar(const std::string& title, const std::string& unit) {
  if (isatty(STDERR_FILENO) != 1) {
    return {};
  }
  using clock = std::chrono::steady_clock;
  return [title, unit, start = clock::time_point()](std::size_t done, std::size_t total) mutable {
    if (done == 0) {
      start = clock::now();
    }
    constexpr std::size_t width = 30;
    const double seconds = std::chrono::duration<double>(clock::now() - start).count();
    const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    const std::size_t filled = total > 0 ? width * done / total : width;
    std::cerr << '\r' << title << " [" << std::string(filled, '#') << std::string(width - filled, ' ') << "] " << done
              << '/' << total << ' ' << unit << ", " << static_cast<long>(rate) << "/s, "
              << (rate > 0 ? clock_time(static_cast<double>(total - done) / rate) : "?") << " left\x1b[K";
    if (done == total) {
      std::cerr << '\n';
    }
    std::cerr.flush();
  };
}

}  // namespace offramp_cli
