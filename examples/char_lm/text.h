// The texts that the program reads, and the parts of one that it learns from.
#pragma once

#include <string>
#include <vector>

#include "rewind/tensor/index.h"

namespace char_lm {

using rw::Index;

// The bytes of a text. Throws FileError, naming the file, when it cannot be read, is binary, or has
// fewer than two different characters, which leaves nothing to learn.
std::string read_training_text(const std::string& path);

// The same for a text to measure, which may be of one character, twice.
std::string read_measured_text(const std::string& path);

// Which text it was, for a run that is to go on with the same one.
std::string fingerprint(const std::string& text);

// The text in order: 90 % to learn from, then 5 % to measure by. (The last 5 % are for whoever
// wants a text that no choice was made by.)
struct Parts {
  std::vector<Index> train, valid;
};

// Throws FileError when a part is too short for `batch` columns of `time` steps.
Parts split(const std::vector<Index>& ids, Index batch, Index time, const std::string& path);

}  // namespace char_lm
