// Package faults breaks what the server stands on, while clients are at work, and
// holds it to what docs/consistency.md promises: whatever was answered with success
// is there afterwards, with the right bytes; nothing that was refused is; limits of
// links are not exceeded; each completed purchase gives once what was bought; fsck
// finds nothing.
//
// Clients write down each answer in a ledger. What got none, or 503, may have
// happened or not: both are right, but nothing in between.
//
// The short form is part of all tests. The flag -faults.long and the tag
// faults_root, or the tasks faults and faults-root, do it hundreds of times, and to disks.
package faults
