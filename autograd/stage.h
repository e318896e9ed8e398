// Where one part of a step hands over to the next: the layers of a stack that is stepped as one.
#pragma once

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

// x itself. In a step of a scan or a stream, what follows is arranged as if x were an input of the
// step: so a layer has the same bits in a stack, where its input is what the layer below it made,
// and by itself. Anywhere else it says nothing.
Tensor stage(const Tensor& x);

}  // namespace rw
