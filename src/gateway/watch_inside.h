/* The inside of a Watch. Private to the room. */
#ifndef GATEWAY_WATCH_INSIDE_H
#define GATEWAY_WATCH_INSIDE_H

#include "gateway/watch.h"
#include "store/folder.h"
#include "transport/imap.h"

struct Watch {
    WatchOptions with;
    char *name;   /* "ACCOUNT/FOLDER", for the log */
    char *holder; /* "HOST/PID", for people */
    /* the lease */
    bool held;
    bool was_elsewhere; /* said in the log */
    bool has_tried;     /* since this worker was started */
    int64_t renewed_us;
    FolderPosition position;
    /* the connection */
    char *secret;
    int64_t secret_until_us; /* a token's; 0: for ever */
    ImapClient *client;      /* NULL: none */
    ImapFolder selected;
    int64_t refused_pause_s; /* doubled with each refusal */
    int64_t pause_s;         /* what watch_pause_s() says */
    /* what is there */
    bool news;          /* there may be something new */
    bool told;          /* by the server, since the last search */
    int64_t look_at_us; /* then look, whatever the server says */
    GArray *pending; /* uint32_t, ascending: new, and left ones before them */
    guint next;      /* of them */
    GArray *sizes;   /* ImapMessage of some of them */
    int64_t room;    /* so many more before limits.backlog is reached, */
    int64_t room_until_us;   /* as known until then */
    bool held_back;          /* there is none; said in the log */
    uint32_t cautious_until; /* one by one up to this UID: one of them breaks
                                something */
    bool has_hand;           /* with.hand is still to be answered for */
    bool action_failed; /* flagging or moving: not before the next look that the
                           clock asks for */
    char *action_said;  /* why, as it was logged; or NULL */
    bool rest_unknown;  /* what is accepted and not flagged or moved */
};

/* Take the next few of `pending`; `more` and `accepted` of ret_watched. */
bool watch_take(Watch *watch, Watched *ret_watched, GError **error);

/* May mail be taken, or does so much wait to be processed that it is better
 * off in its folder? To be asked before each watch_take() of something. */
bool watch_has_room(Watch *watch, bool *ret_has_room, GError **error);

/* Say that the worker is alive and the folder ours, if that is due. */
void watch_breathe(Watch *watch);

/* The one before us died on a mail, or on one of several: count the strike, or
 * be cautious. It may have read another folder: with other settings we are in
 * its place. */
bool watch_answer_for_hand(Watch *watch, GError **error);

/* How often the folder changed, as far as the server has said: the database
 * keeps it with the position. */
void watch_note_changes(Watch *watch);

/* Do with these (uint32_t) what the settings want after acceptance; false only
 * if the connection is lost. */
bool watch_act(Watch *watch, const GArray *uids, GError **error);

/* The same for what an earlier worker had accepted and not come to. */
bool watch_act_again(Watch *watch, GError **error);

/* imap/ACCOUNT/FOLDER/UIDVALIDITY/UID */
char *watch_source_key(const Watch *watch, uint32_t uid);

/* The server failed us: no more with this connection. Returns false. */
bool watch_drop(Watch *watch);

/* Nothing is known of the folder any more but what the database says. */
void watch_forget(Watch *watch);

#endif
