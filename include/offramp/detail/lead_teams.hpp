// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/lend.hpp>
#include <offramp/nn/team.hpp>
#include <offramp/runner.hpp>

#include <atomic>
#include <cstddef>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// Sends a team's helpers home at the end of its life, also when the leader leaves by an exception.
class closing_team {
 public:
  explicit closing_team(nn::team& team) : team_(team) {}
  closing_team(const closing_team&) = delete;
  closing_team& operator=(const closing_team&) = delete;
  ~closing_team() { team_.close(); }

 private:
  nn::team& team_;
};

/// Calls lead(index, team) for each of `teams` on the threads that `run` lends. A thread that finds no team left to
/// lead helps those that are still at work, so that none is idle while another has much to do.
template <class Lead>
void lead_teams(const runner& run, std::span<nn::team> teams, const Lead& lead) {
  if (teams.empty()) {
    return;
  }
  std::atomic<std::size_t> next{0};
  detail::lend(run, run.width(), [&](std::size_t /*index*/) {
    for (std::size_t index = next++; index < teams.size(); index = next++) {
      const closing_team closing(teams[index]);
      lead(index, teams[index]);
    }
    // All teams have a leader now, or had one: nobody waits here for what has not started.
    for (nn::team& team : teams) {
      team.help();
    }
  });
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
