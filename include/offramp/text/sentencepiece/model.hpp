// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/text/normalizers/precompiled_charsmap.hpp>
#include <offramp/text/sentencepiece/wire_format.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/text/vocabulary.hpp>
#include <offramp/version.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// What a `*.model` of sentencepiece says about encoding; names and numbers are those of its sentencepiece_model.proto.
struct sentencepiece_model {
  enum class piece_type : std::uint64_t {
    normal = 1,
    unknown = 2,
    control = 3,
    user_defined = 4,
    unused = 5,
    byte = 6
  };
  enum class algorithm : std::uint64_t { unigram = 1, byte_pair = 2 };

  struct piece {
    std::string text;
    float score = 0.0F;
    piece_type type = piece_type::normal;
  };

  std::vector<piece> pieces;
  algorithm model_type = algorithm::unigram;
  bool treat_whitespace_as_suffix = false;
  bool byte_fallback = false;
  std::int64_t unknown_id = 0;
  std::string precompiled_charsmap;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;

  [[nodiscard]] std::string serialize() const {
    wire_writer model;
    for (const piece& entry : pieces) {
      wire_writer writer;
      writer.bytes(1, entry.text);
      writer.real(2, entry.score);
      writer.number(3, static_cast<std::uint64_t>(entry.type));
      model.bytes(1, writer.message());
    }
    wire_writer trainer;
    trainer.number(3, static_cast<std::uint64_t>(model_type));
    trainer.number(24, treat_whitespace_as_suffix ? 1 : 0);
    trainer.number(35, byte_fallback ? 1 : 0);
    trainer.number(40, static_cast<std::uint64_t>(unknown_id));
    model.bytes(2, trainer.message());
    wire_writer normalizer;
    normalizer.bytes(2, precompiled_charsmap);
    normalizer.number(3, add_dummy_prefix ? 1 : 0);
    normalizer.number(4, remove_extra_whitespaces ? 1 : 0);
    normalizer.number(5, escape_whitespaces ? 1 : 0);
    model.bytes(3, normalizer.message());
    return model.message();
  }
};

/// Reads a `*.model`. sentencepiece's own loader trusts its input: it recurses once per byte of a piece, and follows
/// offsets of the charsmap without a look at its size. So everything is checked here, and the library sees only what
/// `serialize` writes: no unknown field, none twice, no self-test that would print.
class sentencepiece_model_reader {
 public:
  static constexpr std::size_t longest_piece = 1024;  ///< bytes
  static constexpr float largest_score = 1e20F;       ///< sums of scores stay finite

  sentencepiece_model_reader(std::string_view content, std::string name)
      : reader_(content, name, 0), name_(std::move(name)) {}

  /// Throws `bad_model`, and `unsupported` for algorithms other than unigram and bpe.
  [[nodiscard]] sentencepiece_model read() {
    single_fields seen{2, 3};
    while (!reader_.done()) {
      const wire_field field = reader_.next();
      seen.check(field);
      if (field.number == 1) {
        read_piece(field);
      } else if (field.number == 2) {
        read_trainer(reader_.nested(field));
      } else if (field.number == 3) {
        read_normalizer(reader_.nested(field));
      }
    }
    check_pieces();
    return std::move(result_);
  }

 private:
  using piece_type = sentencepiece_model::piece_type;

  void read_piece(const wire_field& whole) {
    if (result_.pieces.size() > static_cast<std::size_t>(vocabulary::max_id)) {
      whole.refuse("stands more than " + std::to_string(vocabulary::max_id + 1) + " times");
    }
    sentencepiece_model::piece piece;
    single_fields seen{1, 2, 3};
    for (wire_reader fields = reader_.nested(whole); !fields.done();) {
      const wire_field field = fields.next();
      seen.check(field);
      if (field.number == 1) {
        piece.text = read_text(field);
      } else if (field.number == 2) {
        piece.score = field.as_float();
        if (!(std::abs(piece.score) <= largest_score)) {
          field.refuse("is no score between -1e20 and 1e20");
        }
      } else if (field.number == 3) {
        piece.type = static_cast<piece_type>(field.as_number(6));
        if (piece.type == piece_type{}) {
          field.refuse("is 0, expected 1 to 6");
        }
      }
    }
    if (!texts_.insert(piece.text).second) {
      whole.refuse("is the second piece \"" + piece.text + "\"");
    }
    if (piece.text.empty()) {
      whole.refuse("is a piece without text");
    }
    result_.pieces.push_back(std::move(piece));
  }

  [[nodiscard]] static std::string read_text(const wire_field& field) {
    const std::string_view text = field.as_bytes();
    if (text.size() > longest_piece) {
      field.refuse("is a piece of " + std::to_string(text.size()) + " bytes, expected at most " +
                   std::to_string(longest_piece));
    }
    if (!is_well_formed_utf8(text) || text.find('\0') != std::string_view::npos) {
      field.refuse("is no UTF-8 without NUL");
    }
    return std::string(text);
  }

  void read_trainer(wire_reader fields) {
    single_fields seen{3, 24, 35, 40};
    while (!fields.done()) {
      const wire_field field = fields.next();
      seen.check(field);
      if (field.number == 3) {
        result_.model_type = read_algorithm(field);
      } else if (field.number == 24) {
        result_.treat_whitespace_as_suffix = field.as_boolean();
      } else if (field.number == 35) {
        result_.byte_fallback = field.as_boolean();
      } else if (field.number == 40) {
        result_.unknown_id = static_cast<std::int64_t>(field.as_number(static_cast<std::uint64_t>(vocabulary::max_id)));
      }
    }
  }

  [[nodiscard]] static sentencepiece_model::algorithm read_algorithm(const wire_field& field) {
    const std::uint64_t number = field.as_number(4);
    if (number != 1 && number != 2) {
      throw error(error_kind::unsupported, field.place + ": trainer_spec.model_type is " + std::to_string(number) +
                                               ", supported is 1 (unigram) or 2 (bpe)");
    }
    return static_cast<sentencepiece_model::algorithm>(number);
  }

  void read_normalizer(wire_reader fields) {
    single_fields seen{2, 3, 4, 5};
    while (!fields.done()) {
      const wire_field field = fields.next();
      seen.check(field);
      if (field.number == 2) {
        result_.precompiled_charsmap = field.as_bytes();
      } else if (field.number == 3) {
        result_.add_dummy_prefix = field.as_boolean();
      } else if (field.number == 4) {
        result_.remove_extra_whitespaces = field.as_boolean();
      } else if (field.number == 5) {
        result_.escape_whitespaces = field.as_boolean();
      }
    }
    if (!result_.precompiled_charsmap.empty()) {
      (void)text::precompiled_charsmap(result_.precompiled_charsmap, name_);
    }
  }

  void check_pieces() const {
    std::size_t unknown = 0;
    std::size_t plain = 0;
    std::size_t bytes = 0;
    for (const sentencepiece_model::piece& piece : result_.pieces) {
      unknown += piece.type == piece_type::unknown ? 1 : 0;
      plain += piece.type == piece_type::normal || piece.type == piece_type::user_defined ? 1 : 0;
      if (piece.type == piece_type::byte) {
        check_byte(piece.text);
        ++bytes;
      }
    }
    if (unknown != 1 || plain == 0) {
      throw error(error_kind::bad_model, name_ + ": has " + std::to_string(unknown) + " unknown pieces and " +
                                             std::to_string(plain) + " plain ones, expected 1 and more than 0");
    }
    if (bytes != (result_.byte_fallback ? 256U : 0U)) {
      throw error(error_kind::bad_model, name_ + ": has pieces for " + std::to_string(bytes) + " bytes, expected " +
                                             (result_.byte_fallback ? "256" : "none without byte_fallback"));
    }
  }

  void check_byte(const std::string& text) const {
    for (unsigned byte = 0; byte < 256; ++byte) {
      char name[8];
      std::snprintf(name, sizeof(name), "<0x%02X>", byte);
      if (text == name) {
        return;
      }
    }
    throw error(error_kind::bad_model, name_ + ": byte piece \"" + text + "\" is none of <0x00> to <0xFF>");
  }

  wire_reader reader_;
  std::string name_;
  std::set<std::string> texts_;
  sentencepiece_model result_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
