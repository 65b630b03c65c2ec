// SPDX-License-Identifier: Apache-2.0
#include <offramp/detail/usable_threads.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <unistd.h>

namespace usable_threads_test {

namespace fs = std::filesystem;
using offramp::detail::cpu_quota;
using offramp::detail::no_quota;

/// A file system that says what the real one would.
class UsableThreadsTest : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& content) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << content << '\n';
  }

  const fs::path root_ = fs::path(testing::TempDir()) / ("quota-" + std::to_string(::getpid()));
};

TEST_F(UsableThreadsTest, WithoutControlGroupsThereIsNoQuota) {
  EXPECT_EQ(cpu_quota(root_), no_quota);
  write("proc/self/cgroup", "0::/");
  EXPECT_EQ(cpu_quota(root_), no_quota);
  write("proc/self/cgroup", "nonsense\n1\n:\n0:");
  EXPECT_EQ(cpu_quota(root_), no_quota);
}

TEST_F(UsableThreadsTest, VersionTwoSaysQuotaAndPeriod) {
  write("proc/self/cgroup", "0::/slice/job");
  write("sys/fs/cgroup/slice/job/cpu.max", "max 100000");
  EXPECT_EQ(cpu_quota(root_), no_quota);
  write("sys/fs/cgroup/slice/job/cpu.max", "250000 100000");
  EXPECT_EQ(cpu_quota(root_), 2.5);
}

TEST_F(UsableThreadsTest, TheTightestOfNestedGroupsCounts) {
  write("proc/self/cgroup", "0::/slice/job");
  write("sys/fs/cgroup/slice/job/cpu.max", "400000 100000");
  write("sys/fs/cgroup/slice/cpu.max", "150000 50000");
  EXPECT_EQ(cpu_quota(root_), 3.0);
}

TEST_F(UsableThreadsTest, AContainerSeesItsGroupAsTheOutermost) {
  write("proc/self/cgroup", "0::/../../docker/0123");
  write("sys/fs/cgroup/cpu.max", "50000 100000");
  EXPECT_EQ(cpu_quota(root_), 0.5);
}

TEST_F(UsableThreadsTest, VersionOneHasAControllerForCpus) {
  write("proc/self/cgroup", "12:cpuset:/job\n4:cpu,cpuacct:/job\n1:name=systemd:/job");
  write("sys/fs/cgroup/cpuset/job/cpu.cfs_quota_us", "1");
  write("sys/fs/cgroup/cpuset/job/cpu.cfs_period_us", "1");
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1");
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000");
  EXPECT_EQ(cpu_quota(root_), no_quota);
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "300000");
  EXPECT_EQ(cpu_quota(root_), 3.0);
}

TEST_F(UsableThreadsTest, TheSystemsAnswerIsAtLeastOneAndNoMoreThanItHas) {
  EXPECT_GE(offramp::detail::allowed_cpus(), 1);
  EXPECT_GE(offramp::usable_threads(), 1);
  EXPECT_LE(offramp::usable_threads(), offramp::detail::allowed_cpus());
}

#if defined(__linux__)
TEST_F(UsableThreadsTest, AThreadThatMayRunOnOneCpuOnlyIsOne) {
  std::jthread([] {
    cpu_set_t allowed;
    ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&allowed) > 1; ++cpu) {
      CPU_CLR(cpu, &allowed);
    }
    ASSERT_EQ(::sched_setaffinity(0, sizeof allowed, &allowed), 0);
    EXPECT_EQ(offramp::detail::allowed_cpus(), 1);
  }).join();
}
#endif

}  // namespace usable_threads_test
