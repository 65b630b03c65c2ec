// SPDX-License-Identifier: Apache-2.0
// Any call to the system that goes wrong while files are read or written is an `io` error, or none where the call can
// be repeated. Files are whole, old or new; no temporary file and no open one stays behind.
#include "failing_calls.hpp"

#include "public_calls.hpp"
#include "study/exit_files.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using failing_calls::fault;
using failing_calls::watch;
using offramp_tests::public_call;
using offramp_tests::public_calls;
using offramp_tests::read_file;

std::ptrdiff_t open_files() { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); }

/// Content by path.
std::map<fs::path, std::string> files_below(const fs::path& directory) {
  std::map<fs::path, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) {
      files[entry.path()] = read_file(entry.path());
    }
  }
  return files;
}

struct outcome {
  std::optional<std::string> answer;
  std::string problem;
};

outcome result_of(const public_call& call, std::ptrdiff_t number, fault how) {
  try {
    const watch failing(number, how);
    return {call.run(), {}};
  } catch (const offramp::error& problem) {
    EXPECT_EQ(problem.kind(), offramp::error_kind::io) << problem.what();
    return {std::nullopt, problem.what()};
  }
}

std::ptrdiff_t calls_of(const public_call& call) {
  const watch none(-1, fault::none);
  static_cast<void>(call.run());
  return failing_calls::calls;
}

class SystemCallFailures : public ::testing::TestWithParam<fault> {
 protected:
  /// Every call to the system that `call` makes goes wrong once.
  void expect_survives(const public_call& call) {
    SCOPED_TRACE(call.name);
    const std::string expected = call.run();
    const std::ptrdiff_t count = calls_of(call);
    ASSERT_GT(count, 3);
    const auto written = files_below(calls_.directory());
    const std::ptrdiff_t opened = open_files();
    bool was_refused = false;
    for (std::ptrdiff_t number = 0; number < count; ++number) {
      SCOPED_TRACE(std::to_string(number) + " of " + std::to_string(count));
      fs::remove_all(calls_.directory() / "fitted");
      fs::remove_all(calls_.directory() / "report");
      const outcome found = result_of(call, number, GetParam());
      was_refused = was_refused || !found.answer;
      EXPECT_EQ(found.answer.value_or(expected), expected);
      EXPECT_TRUE(found.answer || !is_repeatable()) << found.problem;
      ASSERT_EQ(open_files(), opened);
      for (const auto& [path, content] : files_below(calls_.directory())) {
        const auto whole = written.find(path);
        ASSERT_NE(whole, written.end()) << path << " stayed behind";
        ASSERT_EQ(content, whole->second) << path;
      }
    }
    EXPECT_EQ(was_refused, !is_repeatable());
    EXPECT_EQ(call.run(), expected);
  }

  /// Whether the library has to go on as if nothing had been.
  static bool is_repeatable() { return GetParam() == fault::interrupted || GetParam() == fault::short_count; }

  public_calls calls_;
};

TEST_P(SystemCallFailures, OfLoading) { expect_survives(calls_.loading().front()); }

TEST_P(SystemCallFailures, OfStudying) {
  for (const public_call& call : calls_.studying()) {
    expect_survives(call);
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, SystemCallFailures,
                         ::testing::Values(fault::io, fault::no_space, fault::interrupted, fault::short_count,
                                           fault::end));

/// The two files of exits are those of one model, whichever call fails.
class ExitFiles : public ::testing::TestWithParam<bool> {};

TEST_P(ExitFiles, BelongTogether) {
  const fs::path directory = fs::path(::testing::TempDir()) / ("exit-files-" + std::to_string(::getpid()));
  const offramp::study::detail::exit_files old{"old", "old weights"};
  const offramp::study::detail::exit_files made{"made", "made weights"};
  const auto prepare = [&] {
    fs::remove_all(directory);
    fs::create_directories(directory);
    if (GetParam()) {
      write_exit_files(directory, old);
    }
  };
  const public_call call{"write", [&] {
                           write_exit_files(directory, made);
                           return std::string();
                         }};
  prepare();
  const auto before = files_below(directory);
  const std::ptrdiff_t count = calls_of(call);
  const auto after = files_below(directory);
  EXPECT_NE(before, after);
  for (std::ptrdiff_t number = 0; number < count; ++number) {
    prepare();
    const bool is_written = result_of(call, number, fault::io).answer.has_value();
    EXPECT_EQ(files_below(directory), is_written ? after : before) << number << " of " << count;
  }
  fs::remove_all(directory);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutOldOnes, ExitFiles, ::testing::Bool());

}  // namespace
