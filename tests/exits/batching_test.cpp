// SPDX-License-Identifier: Apache-2.0
#include <offramp/detail/lead_teams.hpp>
#include <offramp/exits/batching.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <numeric>
#include <random>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

namespace batching_test {

using offramp::encoding;
using offramp::detail::batch_memory;
using offramp::detail::batch_order;
using offramp::detail::cut_batches;
using offramp::detail::largest_cut;
using offramp::detail::smallest_cut;

/// Texts of these lengths, cut.
struct cut_texts {
  std::vector<encoding> texts;
  batch_memory batch;

  cut_texts(const std::vector<std::size_t>& lengths, batch_order order, std::size_t threads) : texts(lengths.size()) {
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      texts[i].ids.resize(lengths[i]);
    }
    for (const encoding& text : texts) {
      batch.texts.push_back(&text);
    }
    cut_batches(batch, order, threads);
  }

  /// Tokens of each cut.
  [[nodiscard]] std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> tokens;
    std::size_t begin = 0;
    for (const std::size_t end : batch.ends) {
      tokens.push_back(0);
      for (; begin < end; ++begin) {
        tokens.back() += batch.texts[batch.order[begin]]->ids.size();
      }
    }
    return tokens;
  }
};

/// As long as sentences of film reviews are.
std::vector<std::size_t> sentence_lengths(std::size_t count) {
  std::mt19937 random(5);
  std::vector<std::size_t> lengths(count);
  for (std::size_t& length : lengths) {
    length = 4 + random() % 25 + (random() % 4 == 0 ? random() % 30 : 0);
  }
  return lengths;
}

TEST(BatchingTest, EveryTextIsInOneCutOfBoundedSize) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::size_t> lengths(random() % 300);
    for (std::size_t& length : lengths) {
      length = 1 + random() % (round % 10 == 0 ? 2000 : 200);
    }
    const auto order = round % 2 == 0 ? batch_order::longest_first : batch_order::as_given;
    const cut_texts cut(lengths, order, 1 + random() % 9);
    std::vector<std::size_t> sorted = cut.batch.order;
    std::sort(sorted.begin(), sorted.end());
    std::vector<std::size_t> all(lengths.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    ASSERT_EQ(sorted, all);
    ASSERT_TRUE(std::is_sorted(cut.batch.ends.begin(), cut.batch.ends.end(), std::less_equal<>()));
    ASSERT_EQ(cut.batch.ends.empty() ? 0 : cut.batch.ends.back(), lengths.size());
    const std::size_t longest = lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end());
    for (const std::size_t tokens : cut.sizes()) {
      ASSERT_LE(tokens, std::max(largest_cut, longest));
    }
  }
}

TEST(BatchingTest, TheOrderIsAsAskedFor) {
  const std::vector<std::size_t> lengths = {5, 900, 5, 700, 20};
  EXPECT_EQ(cut_texts(lengths, batch_order::as_given, 2).batch.order, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(cut_texts(lengths, batch_order::longest_first, 2).batch.order, (std::vector<std::size_t>{1, 3, 4, 0, 2}));
}

TEST(BatchingTest, FewTokensStayTogether) {
  const std::vector<std::size_t> lengths(8, smallest_cut / 8);
  EXPECT_EQ(cut_texts(lengths, batch_order::longest_first, 64).sizes(), std::vector<std::size_t>{smallest_cut});
  EXPECT_TRUE(cut_texts({}, batch_order::longest_first, 4).sizes().empty());
}

TEST(BatchingTest, ACallOfOneThreadIsCutForMemoryOnly) {
  EXPECT_EQ(cut_texts(std::vector<std::size_t>(largest_cut, 1), batch_order::longest_first, 1).sizes().size(), 1U);
}

/// How long the threads take that take cuts as they come, over how long they would if all had the same to do.
double makespan_over_ideal(const std::vector<std::size_t>& cuts, std::size_t threads) {
  std::vector<std::size_t> busy(threads, 0);
  for (const std::size_t tokens : cuts) {
    *std::min_element(busy.begin(), busy.end()) += tokens;
  }
  const auto all = static_cast<double>(std::accumulate(cuts.begin(), cuts.end(), std::size_t{0}));
  return static_cast<double>(*std::max_element(busy.begin(), busy.end())) * static_cast<double>(threads) / all;
}

TEST(BatchingTest, ThreadsEndAtAboutTheSameTime) {
  for (const std::size_t threads : {2U, 4U, 8U, 64U}) {
    // Enough for full cuts, and much more; the latter in the order given as well.
    for (const std::size_t texts : {64 * threads, 500 * threads}) {
      for (const batch_order order : {batch_order::longest_first, batch_order::as_given}) {
        const cut_texts cut(sentence_lengths(texts), order, threads);
        EXPECT_LE(makespan_over_ideal(cut.sizes(), threads), 1.15) << threads << " threads, " << texts << " texts";
      }
    }
  }
}

void on_a_thread_each(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < n; ++i) {
    threads.emplace_back([&body, i] { body(i); });
  }
}

void in_order(std::size_t n, const std::function<void(std::size_t)>& body) {
  for (std::size_t i = 0; i < n; ++i) {
    body(i);
  }
}

TEST(BatchingTest, EveryTeamIsLedOnceWhateverTheThreads) {
  for (const offramp::runner& run : {offramp::runner(), offramp::runner(in_order, 3), {on_a_thread_each, 3}}) {
    for (const std::size_t count : {0U, 1U, 2U, 20U}) {
      batch_memory batch;
      batch.ends.resize(count);
      for (int round = 0; round < 10; ++round) {
        std::vector<int> led(count, 0);
        offramp::detail::lead_teams(run, batch.new_teams(run.width()), [&](std::size_t cut, offramp::nn::team& team) {
          EXPECT_EQ(team.most_workers(), run.width());
          std::atomic<int> work{0};
          team.for_each(50, [&](std::size_t, std::size_t) { ++work; });
          led[cut] += work / 50;
        });
        EXPECT_EQ(led, std::vector<int>(count, 1));
      }
    }
  }
}

TEST(BatchingTest, IdleThreadsHelpTheLastTeam) {
  batch_memory batch;
  batch.ends.resize(2);
  std::atomic<bool> is_helped{false};
  const auto work_until_helped = [&](std::size_t cut, offramp::nn::team& team) {
    while (cut == 1 && !is_helped) {
      team.for_each(100, [&](std::size_t, std::size_t worker) {
        if (worker > 0) {
          is_helped = true;
        }
      });
      std::this_thread::yield();
    }
  };
  offramp::detail::lead_teams({on_a_thread_each, 3}, batch.new_teams(3), work_until_helped);
  EXPECT_TRUE(is_helped);
}

TEST(BatchingTest, ALeaderThatFailsLeavesNoHelperWaiting) {
  for (const offramp::runner& run : {offramp::runner(in_order, 3), offramp::runner(on_a_thread_each, 3)}) {
    batch_memory batch;
    batch.ends.resize(5);
    const auto fail = [](std::size_t cut, offramp::nn::team& /*team*/) {
      if (cut % 2 == 1) {
        throw std::runtime_error("no memory");
      }
    };
    EXPECT_THROW(offramp::detail::lead_teams(run, batch.new_teams(3), fail), std::runtime_error);
  }
}

}  // namespace batching_test
