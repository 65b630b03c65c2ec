// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cfenv>
#include <clocale>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <locale>
#include <map>
#include <string>
#include <vector>

#include <locale.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace offramp_tests {

/// What belongs to the process, or the calling thread, and not to a library in it: by name, as text.
class host_state {
 public:
  host_state() {
    read_status();
    state_["locale"] = std::setlocale(LC_ALL, nullptr);
    state_["locale of the thread"] = bytes_of(::uselocale(nullptr));
    state_["locale of C++"] = std::locale().name();
    state_["working directory"] = std::filesystem::current_path().string();
    read_environment();
    read_signals();
    read_floating_point();
    read_limits();
    read_open_files();
  }

  [[nodiscard]] const std::map<std::string, std::string>& values() const { return state_; }

 private:
  template <class Value>
  static std::string bytes_of(const Value& value) {
    constexpr const char* digits = "0123456789abcdef";
    std::array<unsigned char, sizeof value> bytes{};
    std::memcpy(bytes.data(), &value, sizeof value);
    std::string text;
    for (const unsigned char byte : bytes) {
      text += {digits[byte / 16], digits[byte % 16]};
    }
    return text;
  }

  /// The kernel's account, asked without changing anything as umask() would.
  void read_status() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      for (const char* field : {"Umask:", "Threads:", "SigBlk:", "SigIgn:", "SigCgt:", "Uid:", "Gid:", "NoNewPrivs:",
                                "Cpus_allowed:", "Mems_allowed:"}) {
        if (line.starts_with(field)) {
          state_[field] = line;
        }
      }
    }
  }

  void read_environment() {
    std::string all;
    for (char** variable = ::environ; *variable != nullptr; ++variable) {
      all += std::string(*variable) + '\n';
    }
    state_["environment"] = all;
  }

  void read_signals() {
    std::string handlers;
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction action {};
      if (::sigaction(number, nullptr, &action) == 0) {
        handlers += bytes_of(action.sa_handler) + std::to_string(action.sa_flags) + ' ';
      }
    }
    state_["signal handlers"] = handlers;
    ::stack_t stack{};
    ::sigaltstack(nullptr, &stack);
    state_["signal stack"] = bytes_of(stack.ss_sp) + std::to_string(stack.ss_flags);
  }

  void read_floating_point() {
    state_["rounding"] = std::to_string(std::fegetround());
#if defined(__SSE__)
    constexpr unsigned raised = 0x3F;  // that something was inexact is no setting
    state_["floating-point control"] = std::to_string(::_mm_getcsr() & ~raised);
#endif
  }

  void read_limits() {
    std::string all;
    for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
      ::rlimit limit{};
      ::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
      all += std::to_string(limit.rlim_cur) + '/' + std::to_string(limit.rlim_max) + ' ';
    }
    state_["limits"] = all;
    state_["priority"] = std::to_string(::getpriority(PRIO_PROCESS, 0));
  }

  void read_open_files() {
    std::vector<std::string> open;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code ignored;
      const std::string target = std::filesystem::read_symlink(entry, ignored).string();
      if (!target.ends_with("/fd")) {  // the listing's own
        open.push_back(entry.path().filename().string() + " " + target);
      }
    }
    std::ranges::sort(open);
    for (const std::string& one : open) {
      state_["open files"] += one + '\n';
    }
  }

  std::map<std::string, std::string> state_;
};

}  // namespace offramp_tests
