// SPDX-License-Identifier: Apache-2.0
// Classifies on a thread pool of Boost.Asio. Usage: boost_asio [MODEL-DIRECTORY]
//
// To be called from outside of the pool: a thread of it that waits here for all others to do the same waits for ever.
#include <offramp/offramp.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <iostream>
#include <latch>
#include <string>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

int main(int argc, char** argv) try {
  const auto model = offramp::classifier::load(argc > 1 ? argv[1] : "models/sentiment-en");
  boost::asio::thread_pool pool(2);
  const auto on_pool = [&](std::size_t n, const std::function<void(std::size_t)>& body) {
    std::latch done(static_cast<std::ptrdiff_t>(n));
    const auto call = [&](std::size_t i) {
      body(i);  // does not throw
      done.count_down();
    };
    for (std::size_t i = 1; i < n; ++i) {
      boost::asio::post(pool, [&, i] { call(i); });
    }
    call(0);
    done.wait();
  };
  const offramp::runner run = {on_pool, 3};  // with the calling thread
  const std::vector<std::string> texts = {"A delight from start to finish.", "Two hours I will never get back."};
  for (const offramp::prediction& p : model.classify_batch(texts, 0.9F, run)) {
    std::cout << p.label << '\n';
  }
  std::cout << model.classify("The cast deserves better jokes.", 0.9F, run).label << '\n';
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return 1;
}
