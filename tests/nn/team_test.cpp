// SPDX-License-Identifier: Apache-2.0
#include <offramp/nn/team.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace team_test {

using offramp::nn::team;

/// A team whose helpers have joined before anyone works.
class joined_team {
 public:
  explicit joined_team(std::size_t helpers) : team_(helpers + 1) {
    for (std::size_t i = 0; i < helpers; ++i) {
      threads_.emplace_back([this] { team_.help(); });
    }
    while (team_.size() != helpers + 1) {
      std::this_thread::yield();
    }
  }
  joined_team(const joined_team&) = delete;
  joined_team& operator=(const joined_team&) = delete;
  ~joined_team() { team_.close(); }

  team& operator*() { return team_; }
  team* operator->() { return &team_; }

 private:
  team team_;
  std::vector<std::jthread> threads_;
};

/// Calls a body for each index and returns how often each was called.
std::vector<unsigned char> calls_of(team& subject, std::size_t count) {
  std::vector<unsigned char> calls(count, 0);
  subject.for_each(count, [&](std::size_t index, std::size_t worker) {
    ++calls.at(index);
    EXPECT_LT(worker, subject.most_workers());
  });
  return calls;
}

void expect_each_once(team& subject, std::size_t count) {
  const std::vector<unsigned char> calls = calls_of(subject, count);
  EXPECT_TRUE(std::all_of(calls.begin(), calls.end(), [](unsigned char n) { return n == 1; })) << count;
}

TEST(TeamTest, ALeaderAloneWorksInOrder) {
  team alone;
  EXPECT_EQ(alone.most_workers(), 1U);
  std::vector<std::size_t> order;
  alone.for_each(5, [&](std::size_t index, std::size_t worker) {
    order.push_back(index);
    EXPECT_EQ(worker, 0U);
  });
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
}

TEST(TeamTest, EveryIndexIsWorkedOnOnceWhateverTheCount) {
  for (const std::size_t helpers : {0U, 1U, 3U}) {
    joined_team subject(helpers);
    for (std::size_t count = 0; count < 70; ++count) {
      expect_each_once(*subject, count);
    }
    for (const std::size_t count : {(1U << 14U) - 1U, 1U << 14U, (1U << 14U) + 1U, 3U << 14U, 50'000U}) {
      expect_each_once(*subject, count);
    }
  }
}

// Heads times texts of one batch may be more than a field of the claims holds.
TEST(TeamTest, CountsBeyondTwentyBitsEnd) {
  joined_team subject(1);
  for (const std::size_t count : {(1U << 20U) - 1U, 1U << 20U, (1U << 20U) + 1U, (1U << 22U) + 3U}) {
    expect_each_once(*subject, count);
  }
}

TEST(TeamTest, HelpersTakeWhatTheLeaderIsTooBusyFor) {
  joined_team subject(2);
  std::atomic<int> inside{0};
  std::vector<std::size_t> workers(3, 99);
  subject->for_each(3, [&](std::size_t index, std::size_t worker) {
    workers[index] = worker;
    for (++inside; inside < 3;) {  // each waits for the others, so none can take two
      std::this_thread::yield();
    }
  });
  std::sort(workers.begin(), workers.end());
  EXPECT_EQ(workers, (std::vector<std::size_t>{0, 1, 2}));
}

TEST(TeamTest, AnExceptionOfAHelperReachesTheLeaderWhenAllHaveEnded) {
  joined_team subject(1);
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> inside{0};
    std::atomic<int> ended{0};
    const auto fail_in_helper = [&](std::size_t /*index*/, std::size_t worker) {
      for (++inside; inside < 2;) {
        std::this_thread::yield();
      }
      ++ended;
      if (worker == 1) {
        throw std::runtime_error("round " + std::to_string(round));
      }
    };
    try {
      subject->for_each(2, fail_in_helper);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& failure) {
      EXPECT_EQ(failure.what(), "round " + std::to_string(round));
    }
    EXPECT_EQ(ended, 2);
    expect_each_once(*subject, 100);  // and the team goes on
  }
}

TEST(TeamTest, OfSeveralExceptionsOneIsThrown) {
  joined_team subject(3);
  const auto fail = [](std::size_t /*index*/, std::size_t /*worker*/) { throw std::runtime_error("all fail"); };
  EXPECT_THROW(subject->for_each(1000, fail), std::runtime_error);
  expect_each_once(*subject, 1000);
}

TEST(TeamTest, LateJoinersHelpOrGoHome) {
  team subject(3);
  std::vector<std::jthread> late;
  std::vector<std::size_t> calls(2000, 0);
  for (int round = 0; round < 200; ++round) {
    if (round == 20 || round == 40 || round == 60) {  // the third is one too many
      late.emplace_back([&] { subject.help(); });
    }
    subject.for_each(calls.size(), [&](std::size_t index, std::size_t worker) {
      ++calls[index];
      EXPECT_LT(worker, 3U);
    });
  }
  subject.close();
  EXPECT_EQ(calls, std::vector<std::size_t>(2000, 200));
  late.clear();
  subject.help();  // after the end: returns at once
}

}  // namespace team_test
