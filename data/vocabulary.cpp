// Vocabularies, made and used.
#include "rewind/data/vocabulary.h"

#include <algorithm>
#include <utility>

namespace rw {

namespace {

constexpr std::string_view kWhiteSpace = " \t\n\r\v\f";
constexpr std::string_view kSpecials[] = {"<pad>", "<unk>", "<bos>", "<eos>"};

void check_id(Index id, Index size, std::size_t position) {
  require<IndexError>(id >= 0 && id < size, "decode: id {} at position {} is outside [0, {})", id,
                      position, size);
}

// A byte as a message shows it: "0x58 'X'", "0x0a".
std::string shown(char symbol) {
  const bool printable = symbol > ' ' && symbol <= '~';
  const auto code = static_cast<unsigned char>(symbol);
  return printable ? fmt::format("{:#04x} '{}'", code, symbol) : fmt::format("{:#04x}", code);
}

}  // namespace

CharVocabulary::CharVocabulary(std::string_view text) {
  places_.fill(-1);
  for (const char symbol : text) places_[static_cast<unsigned char>(symbol)] = 0;
  for (std::size_t byte = 0; byte < places_.size(); ++byte) {
    if (places_[byte] < 0) continue;
    places_[byte] = static_cast<std::int16_t>(symbols_.size());
    symbols_ += static_cast<char>(byte);
  }
}

std::vector<Index> CharVocabulary::encode(std::string_view text) const {
  std::vector<Index> ids;
  ids.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!knows(text[i])) {
      throw ValueError(fmt::format("encode: byte {} at position {} is not among the {} symbols",
                                   shown(text[i]), i, size()));
    }
    ids.push_back(place(text[i]));
  }
  return ids;
}

std::string CharVocabulary::decode(std::span<const Index> ids) const {
  std::string text;
  text.reserve(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    check_id(ids[i], size(), i);
    text += symbols_[static_cast<std::size_t>(ids[i])];
  }
  return text;
}

Vocabulary::Vocabulary(std::span<const std::string> tokens) {
  for (const std::string_view special : kSpecials) add(std::string(special));
  for (const std::string& token : tokens) add(token);
}

void Vocabulary::add(const std::string& token) {
  require(!token.empty() && token.find_first_of(kWhiteSpace) == std::string::npos,
          "vocabulary: token '{}' (number {}) is empty or holds white space", token, size());
  const auto [first, is_new] = ids_.emplace(token, size());
  require(is_new, "vocabulary: token '{}' appears twice, as {} and {}", token, first->second,
          size());
  tokens_.push_back(token);
}

Vocabulary Vocabulary::of_text(std::string_view text, const VocabularyOptions& options) {
  constexpr Index kSpecialCount = std::size(kSpecials);
  require(options.max_size == 0 || options.max_size >= kSpecialCount,
          "vocabulary: max_size {} leaves no room for the {} specials", options.max_size,
          kSpecialCount);
  std::unordered_map<std::string_view, Index> counts;
  for (const std::string_view word : split_words(text)) ++counts[word];
  std::vector<std::pair<std::string_view, Index>> ranked;
  for (const auto& entry : counts) {
    const bool special = std::ranges::find(kSpecials, entry.first) != std::end(kSpecials);
    if (entry.second >= options.min_count && !special) ranked.push_back(entry);
  }
  std::ranges::sort(ranked, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  if (options.max_size != 0) {
    const auto room = static_cast<std::size_t>(options.max_size - kSpecialCount);
    ranked.resize(std::min(ranked.size(), room));
  }
  std::vector<std::string> tokens;
  for (const auto& entry : ranked) tokens.emplace_back(entry.first);
  return Vocabulary(tokens);
}

Vocabulary Vocabulary::of_lines(std::string_view lines) {
  std::vector<std::string> tokens;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    tokens.emplace_back(line);
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  require(tokens.size() >= std::size(kSpecials) &&
              std::ranges::equal(kSpecials, std::span(tokens).first(std::size(kSpecials))),
          "vocabulary: the first four lines must be <pad> <unk> <bos> <eos>, found {} lines, the "
          "first '{}'",
          tokens.size(), tokens.empty() ? "" : tokens[0]);
  return Vocabulary(std::span(tokens).subspan(std::size(kSpecials)));
}

std::string Vocabulary::lines() const {
  std::string lines;
  for (const std::string& token : tokens_) lines += token + "\n";
  return lines;
}

const std::string& Vocabulary::token(Index id) const {
  require<IndexError>(id >= 0 && id < size(), "vocabulary: id {} is outside [0, {})", id, size());
  return tokens_[static_cast<std::size_t>(id)];
}

Index Vocabulary::id(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? kUnk : found->second;
}

std::vector<Index> Vocabulary::encode(std::string_view sentence) const {
  std::vector<Index> ids;
  for (const std::string_view word : split_words(sentence)) ids.push_back(id(word));
  return ids;
}

std::string Vocabulary::decode(std::span<const Index> ids) const {
  std::string text;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    check_id(ids[i], size(), i);
    if (i > 0) text += ' ';
    text += tokens_[static_cast<std::size_t>(ids[i])];
  }
  return text;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t start = text.find_first_not_of(kWhiteSpace);
    if (start == std::string_view::npos) return words;
    const std::size_t end = std::min(text.find_first_of(kWhiteSpace, start), text.size());
    words.push_back(text.substr(start, end - start));
    text.remove_prefix(end);
  }
}

}  // namespace rw
