// SPDX-License-Identifier: Apache-2.0
// The library changes nothing of the process that it runs in, not even for a moment.
#include "host/host_state.hpp"
#include "public_calls.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

/// Calls of functions that change the state of the process, by anyone in it.
std::atomic<int> changes{0};

template <class Function>
Function* next(const char* name, Function* /*own*/) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

// In place of the C library's, which they call.
extern "C" {

::mode_t umask(::mode_t mask) noexcept {
  ++changes;
  return next("umask", &umask)(mask);
}

char* setlocale(int category, const char* name) noexcept {
  changes += name != nullptr ? 1 : 0;
  return next("setlocale", &setlocale)(category, name);
}

int setenv(const char* name, const char* value, int overwrite) noexcept {
  ++changes;
  return next("setenv", &setenv)(name, value, overwrite);
}

int unsetenv(const char* name) noexcept {
  ++changes;
  return next("unsetenv", &unsetenv)(name);
}

int chdir(const char* path) noexcept {
  ++changes;
  return next("chdir", &chdir)(path);
}

int sigaction(int number, const struct sigaction* action, struct sigaction* old) noexcept {
  changes += action != nullptr ? 1 : 0;
  return next("sigaction", &sigaction)(number, action, old);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit* limit) noexcept {
  ++changes;
  return next("setrlimit", &setrlimit)(resource, limit);
}

}  // extern "C"

namespace {

using offramp_tests::host_state;
using offramp_tests::public_call;
using offramp_tests::public_calls;

void expect_unchanged(const std::vector<public_call>& calls) {
  for (const public_call& call : calls) {
    SCOPED_TRACE(call.name);
    const host_state before;
    const int changes_before = changes;
    static_cast<void>(call.run());
    EXPECT_EQ(changes, changes_before);
    const host_state after;
    for (const auto& [name, value] : before.values()) {
      EXPECT_EQ(after.values().at(name), value) << name;
    }
    EXPECT_EQ(after.values().size(), before.values().size());
  }
}

void expect_nothing_changes() {
  const public_calls calls;
  expect_unchanged(calls.loading());
  expect_unchanged(public_calls::classifying(calls.model()));
  expect_unchanged(calls.studying());
  offramp::thread_pool pool(2);
  expect_unchanged(public_calls::classifying(calls.model(), pool.lend()));
}

TEST(HostState, StaysAsItIs) { expect_nothing_changes(); }

/// A process that is not as processes usually are.
class UnusualHost : public ::testing::Test {
 protected:
  UnusualHost() {
    std::filesystem::current_path(::testing::TempDir());
    ::setenv("OFFRAMP_TEST", "1", 1);
    ::umask(0027);
    ::signal(SIGUSR1, [](int) {});
    ::sigset_t blocked;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGUSR2);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &signals_);
  }
  ~UnusualHost() override {
    ::pthread_sigmask(SIG_SETMASK, &signals_, nullptr);
    ::signal(SIGUSR1, SIG_DFL);
    ::umask(0022);
    ::unsetenv("OFFRAMP_TEST");
    std::filesystem::current_path(directory_);
  }

  static int permissions(const std::filesystem::path& path) {
    return static_cast<int>(std::filesystem::status(path).permissions());
  }

 private:
  std::filesystem::path directory_ = std::filesystem::current_path();
  ::sigset_t signals_{};
};

TEST_F(UnusualHost, StaysAsItIs) { expect_nothing_changes(); }

TEST_F(UnusualHost, DecidesWhoMayReadNewFiles) {
  const public_calls calls;
  for (const public_call& call : calls.studying()) {
    static_cast<void>(call.run());
  }
  for (const char* made : {"fitted/config.json", "fitted/exits.json", "fitted/exits.safetensors", "report/curve.svg"}) {
    EXPECT_EQ(permissions(calls.directory() / made), 0640) << made;
  }
}

TEST_F(UnusualHost, LeavesThePermissionsOfWhatIsReplaced) {
  const public_calls calls;
  const std::filesystem::path replaced = calls.directory() / "model/exits.json";
  for (const int mode : {0600, 0664}) {
    std::filesystem::permissions(replaced, static_cast<std::filesystem::perms>(mode));
    static_cast<void>(calls.studying()[1].run());
    EXPECT_EQ(permissions(replaced), mode);
  }
}

}  // namespace
