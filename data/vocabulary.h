// Between text and the ids that an Embedding takes: bytes as symbols, or words as tokens.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rewind/tensor/error.h"
#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {

// The distinct bytes of a text in ascending order; the id of a byte is its place among them. It has
// no "unknown": a byte outside the vocabulary is an error.
class CharVocabulary {
 public:
  // From any text that holds every symbol; from `symbols()` of another it is the same one again.
  explicit CharVocabulary(std::string_view text);

  Index size() const { return static_cast<Index>(symbols_.size()); }
  const std::string& symbols() const { return symbols_; }
  bool knows(char symbol) const { return place(symbol) >= 0; }

  std::vector<Index> encode(std::string_view text) const;  // ValueError: a byte outside
  std::string decode(std::span<const Index> ids) const;    // IndexError: an id outside [0, size)

 private:
  std::int16_t place(char symbol) const { return places_[static_cast<unsigned char>(symbol)]; }

  std::string symbols_;
  std::array<std::int16_t, 256> places_;  // by byte; -1 outside
};

// Which words become tokens.
struct VocabularyOptions {
  Index min_count = 1;  // rarer words are unknown
  Index max_size = 0;   // at most so many tokens, specials included; 0: no limit
};

// Words as tokens. The first four are <pad> <unk> <bos> <eos>; a word that is not a token is <unk>.
// As a file it is one token per line, the id being the line number counted from 0.
class Vocabulary {
 public:
  static constexpr Index kPad = 0, kUnk = 1, kBos = 2, kEos = 3;

  // The specials, then `tokens` in the given order. A token that is empty, appears twice or holds
  // white space throws ValueError.
  explicit Vocabulary(std::span<const std::string> tokens);

  // The words of a text, the commonest first, equally common ones by their bytes.
  static Vocabulary of_text(std::string_view text, const VocabularyOptions& options = {});

  // What `lines` wrote. Line ends may be \n or \r\n, the last one may be missing.
  static Vocabulary of_lines(std::string_view lines);
  std::string lines() const;

  Index size() const { return static_cast<Index>(tokens_.size()); }
  const std::string& token(Index id) const;  // IndexError: outside [0, size)
  bool knows(std::string_view token) const { return ids_.find(token) != ids_.end(); }
  Index id(std::string_view token) const;  // kUnk when it is not known

  std::vector<Index> encode(std::string_view sentence) const;  // its words; no specials are added
  std::string decode(std::span<const Index> ids) const;        // with one space between

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  void add(const std::string& token);

  std::vector<std::string> tokens_;
  std::unordered_map<std::string, Index, Hash, std::equal_to<>> ids_;
};

// The words of a text: what stands between ASCII white space. They point into `text`.
std::vector<std::string_view> split_words(std::string_view text);

}  // namespace rw
