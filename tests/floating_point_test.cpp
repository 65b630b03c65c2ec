// SPDX-License-Identifier: Apache-2.0
// What the host set for floating point changes no result and is left as it was; compiled once against each target.
#include <offramp/offramp.hpp>
#include <offramp/study/binomial.hpp>

#include <gtest/gtest.h>

#include "model_in_memory.hpp"

#include <cfenv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace floating_point_test {

using offramp::classifier;
using offramp::exit_output;
using offramp::numeric_format;

/// The control register of the thread, with its exception flags.
std::uint64_t control() {
#if defined(__x86_64__)
  return __builtin_ia32_stmxcsr();
#elif defined(__aarch64__)
  std::uint64_t bits = 0;
  std::uint64_t flags = 0;
  asm volatile("mrs %0, fpcr" : "=r"(bits));
  asm volatile("mrs %0, fpsr" : "=r"(flags));
  return bits << 32U | flags;
#else
  return static_cast<std::uint64_t>(std::fegetround()) << 32U | static_cast<unsigned>(std::fetestexcept(FE_ALL_EXCEPT));
#endif
}

/// Subnormal results, and on x86-64 operands, become zero.
void flush_to_zero() {
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040U);
#elif defined(__aarch64__)
  std::uint64_t bits = 0;
  asm volatile("mrs %0, fpcr" : "=r"(bits));
  asm volatile("msr fpcr, %0" : : "r"(bits | std::uint64_t{1} << 24U));
#endif
}

struct mode {
  const char* name;
  std::function<void()> set;
};

const std::vector<mode>& modes() {
  static const std::vector<mode> all = {{"upward", [] { std::fesetround(FE_UPWARD); }},
                                        {"downward", [] { std::fesetround(FE_DOWNWARD); }},
                                        {"toward zero", [] { std::fesetround(FE_TOWARDZERO); }},
                                        {"flush to zero", flush_to_zero},
                                        {"both", [] {
                                           std::fesetround(FE_UPWARD);
                                           flush_to_zero();
                                         }}};
  return all;
}

/// Runs `call` in the mode and expects the mode and the flags unchanged.
void in_mode(const mode& chosen, const std::function<void()>& call) {
  std::fenv_t before;
  std::fegetenv(&before);
  chosen.set();
  std::feclearexcept(FE_ALL_EXCEPT);
  std::feraiseexcept(FE_DIVBYZERO);
  const std::uint64_t set = control();
  const int rounding = std::fegetround();
  call();
  const std::uint64_t found = control();
  const int found_rounding = std::fegetround();
  std::fesetenv(&before);
  EXPECT_EQ(found, set) << chosen.name;
  EXPECT_EQ(found_rounding, rounding) << chosen.name;
}

const std::vector<std::string>& texts() {
  static const std::vector<std::string> all = {"A good film.", "", "The plot is dull, and the actor is not warm!",
                                               "RUNS \xff runs Runs"};
  return all;
}

std::vector<numeric_format> formats() {
#if defined(OFFRAMP_HEADER_ONLY)
  return {numeric_format::float32};
#else
  return {numeric_format::float32, numeric_format::bfloat16, numeric_format::int8};
#endif
}

/// A thread for each body, each with another mode, which it must have again afterwards.
void run_in_many_modes(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < n; ++i) {
    threads.emplace_back([&body, i] { in_mode(modes()[i % modes().size()], [&] { body(i); }); });
  }
}

class floating_point : public testing::TestWithParam<const char*> {};

TEST_P(floating_point, modes_change_nothing_and_stay) {
  for (const numeric_format format : formats()) {
    const auto directory = offramp_tests::tiny_directory(GetParam());
    const auto load = [&] { return classifier::load(directory, {.format = format}); };
    const classifier model = load();
    const auto expected = model.classify_batch_every_exit(texts());
    const auto answers = model.classify_batch(texts(), 0.7F);
    const std::vector<offramp::encoding> tokens = model.tokenize_batch(texts());
    for (const mode& chosen : modes()) {
      SCOPED_TRACE(chosen.name);
      in_mode(chosen, [&] {
        EXPECT_EQ(load().classify_batch_every_exit(texts()), expected) << "also where the model was loaded so";
        EXPECT_EQ(model.classify_batch_every_exit(texts(), run_in_many_modes), expected);
        EXPECT_EQ(model.classify_batch(texts(), 0.7F, run_in_many_modes), answers);
        for (std::size_t i = 0; i < texts().size(); ++i) {
          EXPECT_EQ(model.classify_every_exit(texts()[i]), expected[i]);
          EXPECT_EQ(model.classify(texts()[i], 0.7F, run_in_many_modes), answers[i]);
          EXPECT_EQ(model.classify(model.tokenize(texts()[i]), 0.7), answers[i]);
          EXPECT_EQ(offramp::tokenizer::load(directory).tokenize(texts()[i]), tokens[i]);
        }
      });
    }
  }
}

INSTANTIATE_TEST_SUITE_P(tiny_models, floating_point, testing::Values("tiny", "tiny-mix", "family-xlm-roberta"));

TEST(floating_point, modes_stay_after_an_exception_too) {
  const auto directory = offramp_tests::tiny_directory("tiny");
  const classifier model = classifier::load(directory);
  for (const mode& chosen : modes()) {
    in_mode(chosen, [&] {
      EXPECT_THROW((void)model.classify(offramp::encoding{}), offramp::error);
      EXPECT_THROW((void)model.classify_batch(std::vector<offramp::encoding>(3), run_in_many_modes), offramp::error);
      EXPECT_THROW((void)classifier::load("/nonexistent/model"), offramp::error);
      EXPECT_THROW((void)classifier::load(directory, {}, {},
                                          [](std::size_t done, std::size_t) {
                                            if (done == 1) {
                                              throw std::logic_error("mine");
                                            }
                                          }),
                   std::logic_error);
    });
  }
}

TEST(floating_point, modes_change_no_threshold) {
  volatile double nine_tenths = 0.9;
  const offramp::exit_policy expected(0.9F);
  for (const mode& chosen : modes()) {
    in_mode(chosen, [&] { EXPECT_EQ(offramp::exit_policy(double{nine_tenths}), expected) << chosen.name; });
  }
}

TEST(floating_point, modes_change_no_bound) {
  namespace study = offramp::study;
  const auto bounds = [] {
    std::vector<double> found;
    for (const std::int64_t events : {0, 3, 331, 999}) {
      found.push_back(study::binomial_tail_at_most(events, 1000, 0.3));
      found.push_back(study::clopper_pearson_upper(events, 1000, 0.05));
      found.push_back(study::clopper_pearson_lower(events, 1000, 0.05));
      for (const study::interval& one :
           {study::clopper_pearson(events, 1000, 0.95), study::confidence_sequence(events, 1000, 0.95),
            study::wilson(events, 1000, 0.95)}) {
        found.push_back(one.lower);
        found.push_back(one.upper);
      }
    }
    return found;
  };
  const std::vector<double> expected = bounds();
  for (const mode& chosen : modes()) {
    in_mode(chosen, [&] { EXPECT_EQ(bounds(), expected) << chosen.name; });
  }
}

}  // namespace floating_point_test
