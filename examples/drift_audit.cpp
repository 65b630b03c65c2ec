// SPDX-License-Identifier: Apache-2.0
// Notices that the texts are no longer of the kind the model knows. Usage: drift_audit [MODEL-DIRECTORY]
//
// No labels are needed: half of the early exits run on to the last exit, and the audit counts how often the two
// disagree. On Monday and Tuesday come sentences about films. On Wednesday somebody points the model at the notes of a
// hospital ward. Their words, too, sound good or bad, so most leave before the encoder, as those about films do; but
// the deeper layers more often think otherwise.
#include <offramp/offramp.hpp>

#include <array>
#include <cstddef>
#include <exception>
#include <iomanip>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using phrases = std::array<std::string_view, 12>;

constexpr phrases film_parts = {"The script",      "The lead actor", "Every scene",    "The camera work",
                                "The soundtrack",  "The ending",     "The villain",    "This little comedy",
                                "The second half", "The dialogue",   "The love story", "This long thriller"};
constexpr phrases film_verdicts = {
    "is a joy to watch.",        "is dull and lifeless.",       "moved me to tears.",
    "never finds its rhythm.",   "is full of warmth and wit.",  "feels stale and tired.",
    "is beautifully made.",      "is a complete mess.",         "kept me smiling for hours.",
    "bored everyone around me.", "is fresh, clever and funny.", "is a waste of two hours."};
constexpr phrases ward_names = {"The patient",     "The boy in room two", "Her mother",  "The old man",
                                "The night nurse", "The widow",           "The visitor", "The girl",
                                "The new surgeon", "The driver",          "His brother", "The midwife"};
constexpr phrases ward_notes = {"is free of pain and sleeps well.",
                                "is not in danger any more.",
                                "has a benign tumour.",
                                "felt sick and weak and wept.",
                                "is still in great pain.",
                                "survived the terrible crash without a scratch.",
                                "lost all fear of the dark.",
                                "was relieved of a crushing debt.",
                                "fought cancer bravely and won.",
                                "died in his arms.",
                                "needs a new heart.",
                                "has a strong heart and poor lungs."};

/// Every beginning with every ending; neighbours share neither half.
std::vector<std::string> sentences(const phrases& beginnings, const phrases& endings) {
  std::vector<std::string> all;
  for (std::size_t shift = 0; shift < endings.size(); ++shift) {
    for (std::size_t i = 0; i < beginnings.size(); ++i) {
      all.push_back(std::string(beginnings[i]) + ' ' + std::string(endings[(i + shift) % endings.size()]));
    }
  }
  return all;
}

/// Classifies one day's texts as they come in, a dozen at a time, and looks at the audit after each dozen. A new day
/// begins a new audit: what went well before would hide what goes wrong now.
void watch(const offramp::classifier& model, std::string_view day, std::span<const std::string> texts) {
  constexpr double agreed = 0.04;  // of the early exits may disagree with the last exit
  const offramp::drift_audit audit(0.5, 1);
  const auto policy = offramp::exit_policy(0.7F).audited_by(audit);
  offramp::study::interval disagreement;
  for (; !texts.empty() && disagreement.lower <= agreed; texts = texts.subspan(12)) {
    (void)model.classify_batch(texts.first(12), policy);  // a real program would use the answers
    disagreement = audit.counts().disagreement_at_any_time(0.95);
  }
  const offramp::drift_counts seen = audit.counts();
  const offramp::layer_drift& first = seen.layers.front();
  std::cout << day << ": " << seen.early_exits << " of " << seen.texts << " texts left early, " << first.early_exits
            << " at exit " << first.layer << "; " << seen.disagreements << " of the " << seen.audited
            << " audited disagree, which says " << std::fixed << std::setprecision(1) << 100 * disagreement.lower
            << " % to " << 100 * disagreement.upper << " % do\n";
  if (disagreement.lower > agreed) {
    std::cout << "ALARM after " << seen.texts << " texts: more than " << 100 * agreed << " % disagree\n";
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const auto model = offramp::classifier::load(argc > 1 ? argv[1] : "models/sentiment-en");
  const std::vector<std::string> films = sentences(film_parts, film_verdicts);
  watch(model, "Monday", std::span(films).first(72));
  watch(model, "Tuesday", std::span(films).last(72));
  watch(model, "Wednesday", sentences(ward_names, ward_notes));
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return 1;
}
