// The standard streams of a program that must not die of them.
#pragma once

namespace char_lm {

// A stream that the caller has closed leaves its number to the next file that is opened: progress
// would be written into the model. Such a number is taken here; what is written to it is lost, as
// on a full disk. To be called before any file is opened.
void hold_standard_streams();

// Throws FileError when something that was said on stdout, by rw::say, did not get there.
void require_output();

}  // namespace char_lm
