// All losses.
#pragma once

#include "rewind/nn/loss/binary.h"
#include "rewind/nn/loss/cross_entropy.h"
#include "rewind/nn/loss/linear_cross_entropy.h"
#include "rewind/nn/loss/regression.h"
#include "rewind/nn/loss/sequence.h"
