/* SPDX-License-Identifier: MIT
 * ADDRESS PORT COUNT: a handle of libcurl for each request, as a careless program does it. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int count = atoi(argv[3]);
    for (int number = 0; number < count; number++) {
        char url[200];
        snprintf(url, sizeof url, "http://%s:%s/%d", argv[1], argv[2], number);
        CURL *curl = curl_easy_init();
        curl_easy_setopt(curl, CURLOPT_URL, url);
        CURLcode result = curl_easy_perform(curl);
        curl_easy_cleanup(curl);
        if (result != CURLE_OK) {
            fprintf(stderr, "%s\n", curl_easy_strerror(result));
            return 1;
        }
    }
    return 0;
}
