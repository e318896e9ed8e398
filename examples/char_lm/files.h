// What would go wrong with the files of a training at its end is found at its beginning.
#pragma once

#include "train.h"

namespace char_lm {

// Throws FileError, naming the file, unless text, model and metrics are three files, by whatever
// names; there is no model yet, or with `resume` a whole one; and both may be written.
void check_files(const TrainOptions& options);

}  // namespace char_lm
