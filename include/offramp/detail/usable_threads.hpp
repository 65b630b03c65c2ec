// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/floating_point.hpp>
#include <offramp/runner.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

namespace detail {

inline constexpr double no_quota = std::numeric_limits<double>::infinity();

/// CPUs that the files of one control group grant.
inline double quota_in(const std::filesystem::path& group) {
  std::ifstream both(group / "cpu.max");  // version 2
  std::ifstream quota(group / "cpu.cfs_quota_us");
  std::ifstream period(group / "cpu.cfs_period_us");
  std::string granted;
  std::string of;
  if (!(both >> granted >> of) && !(quota >> granted && period >> of)) {
    return no_quota;
  }
  const auto microseconds = [](const std::string& text) {  // 0 for "max", which is no number
    long long number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return static_cast<double>(number);
  };
  const bool is_limited = microseconds(granted) > 0.0 && microseconds(of) > 0.0;  // version 1 says -1 for no limit
  return is_limited ? microseconds(granted) / microseconds(of) : no_quota;
}

/// CPUs that the control groups of this process grant, each within those around it. `root` is the file system's.
inline double cpu_quota(const std::filesystem::path& root) {
  double cpus = no_quota;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // number:controllers:path, version 2 without controllers
    std::istringstream fields(line);
    std::string number;
    std::string controllers;
    std::string path;
    if (!std::getline(fields, number, ':') || !std::getline(fields, controllers, ':') || !std::getline(fields, path) ||
        !(controllers.empty() || (',' + controllers + ',').find(",cpu,") != std::string::npos)) {
      continue;
    }
    // A container may see its own group mounted as the outermost one, under a path that exists outside only.
    const std::filesystem::path mount = root / "sys/fs/cgroup" / controllers;
    for (auto group = std::filesystem::path(path).relative_path(); !group.empty(); group = group.parent_path()) {
      cpus = std::min(cpus, quota_in(mount / group));
    }
    cpus = std::min(cpus, quota_in(mount));
  }
  return cpus;
}

/// CPUs that the calling thread may run on.
inline int allowed_cpus() {
#if defined(__linux__)
  for (std::size_t cpus = CPU_SETSIZE; cpus <= std::size_t{1} << 16U; cpus *= 2) {  // more than the system has
    std::vector<cpu_set_t> allowed(cpus / CPU_SETSIZE);
    const std::size_t bytes = allowed.size() * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, bytes, allowed.data()) == 0) {
      return CPU_COUNT_S(bytes, allowed.data());
    }
  }
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace detail

OFFRAMP_INLINE int usable_threads() {
  static const int threads = [] {
    const detail::default_floating_point environment;
    return static_cast<int>(std::max(1.0, std::min<double>(detail::allowed_cpus(), detail::cpu_quota("/"))));
  }();
  return threads;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
